"""A loss that keeps its gradient is the loss of before, and nothing of full size waits for the backward pass."""
import copy
import weakref

import pytest
import torch
from mmseg.registry import MODELS, RUNNERS
from torch import nn

from segfusion.engine.lean_loss import use_lean_loss
from tests.engine.test_checked_runner import config, scenes  # noqa: F401
from tests.engine.test_faster_training import assert_same_step, step, trainable
from tests.references.samples import batch

SIZE = (33, 65)


class Box:

    def __init__(self, tensor):
        self.tensor = tensor


def lean(model):
    copied = copy.deepcopy(model)
    use_lean_loss(copied)
    return copied


TWO = [dict(type='CrossEntropyLoss', avg_non_ignore=True), dict(type='ClasswiseDiceLoss', loss_weight=.5)]


@pytest.mark.parametrize('name, loss', [('sfnet', dict(type='OHEMLoss')), ('sfnet', TWO), ('sfnet_lite', TWO),
                                        ('alignseg', TWO)])
def test_a_step_is_the_plain_one(name, loss):
    model = trainable(name, decode_head__loss_decode=loss)
    data = batch(model.decode_head.num_classes, size=SIZE)
    assert_same_step(step(lean(model), data), step(model, data))


def test_heads_of_several_logits_and_no_gradient():
    """DDRNet's head has two logits, and in validation none has a gradient."""
    head = MODELS.build(dict(type='mmseg.DDRHead', in_channels=8, channels=4, num_classes=3, dropout_ratio=0.,
                             loss_decode=[dict(type='CrossEntropyLoss', loss_name='loss_a'),
                                          dict(type='CrossEntropyLoss', loss_name='loss_b', loss_weight=.4)]))
    samples = batch(3, size=SIZE)['data_samples']
    for sample in samples:
        sample.gt_sem_seg.data.clamp_(max=2)  # this head ignores nothing
    logits = [torch.randn(2, 3, 5, 9, requires_grad=True) for _ in range(2)]
    expected = head.loss_by_feat(tuple(logits), samples)
    wanted = torch.autograd.grad(3. * expected['loss_context'] - expected['loss_spatial'], logits)
    use_lean_loss(head)
    got = head.loss_by_feat(tuple(logits), samples)
    assert {name: value.item() for name, value in got.items()} == {k: v.item() for k, v in expected.items()}
    for one, other in zip(torch.autograd.grad(3. * got['loss_context'] - got['loss_spatial'], logits), wanted):
        torch.testing.assert_close(one, other)
    with torch.no_grad():
        assert not head.loss_by_feat(tuple(logits), samples)['loss_context'].requires_grad


def test_nothing_of_full_size_is_kept():
    """Of every head the plain way keeps maps of classes times pixels of the label."""
    model = trainable('sfnet')
    classes, heads = model.decode_head.num_classes, 1 + len(model.auxiliary_head)
    data = model.data_preprocessor(batch(classes, size=SIZE), training=True)

    def kept(model):
        graph = weakref.WeakSet()

        def keep(x):
            graph.add(box := Box(x))
            return box

        with torch.autograd.graph.saved_tensors_hooks(keep, lambda box: box.tensor):
            losses = model(**data, mode='loss')
        assert model.parse_losses(losses)[0].requires_grad  # hence the graph is alive
        return sum(box.tensor.shape == (2, classes, *SIZE) for box in graph)

    assert kept(model) >= heads
    assert kept(lean(model)) == 0


def test_half_precision_keeps_a_gradient_that_float16_would_lose():
    """A loss of 1e-9 of its size, and a scale of 1e9 that comes later, as a GradScaler's does."""
    head = trainable('sfnet').decode_head
    head.loss_decode = nn.ModuleList([MODELS.build(dict(type='mmseg.CrossEntropyLoss', loss_weight=1e-9))])
    samples = batch(head.num_classes, size=SIZE)['data_samples']
    use_lean_loss(head)
    logits = torch.randn(2, head.num_classes, 9, 17)
    gradients = []
    for dtype in (torch.float16, torch.float32):
        x = logits.half().to(dtype).requires_grad_()
        (1e9 * head.loss_by_feat(x, samples)['loss_ce']).backward()
        gradients.append(x.grad)
    assert gradients[0].dtype == torch.float16
    torch.testing.assert_close(gradients[0].float(), gradients[1], rtol=2e-3, atol=1e-6)
    assert gradients[1].abs().max() > 1e-4


def test_by_one_line_of_config(tmp_path, scenes):  # noqa: F811
    runner = RUNNERS.build(config(tmp_path, scenes, lean_loss=True))
    assert 'loss_by_feat' in vars(runner.model.decode_head)
    before = copy.deepcopy(runner.model.decode_head.state_dict())
    runner.train()
    after = runner.model.decode_head.state_dict()
    assert not any(torch.equal(before[name], after[name]) for name in before)


def test_what_it_cannot_do_is_refused():
    with pytest.raises(ValueError, match='expected a model with heads of mmseg, got Linear; set lean_loss=False'):
        use_lean_loss(nn.Linear(1, 1))
    head = trainable('sfnet').decode_head
    head.loss_decode = nn.ModuleList([nn.PReLU()])
    with pytest.raises(ValueError, match=r'losses without parameters, got 0.weight of SFNetHead'):
        use_lean_loss(head)
