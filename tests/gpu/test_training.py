"""Training steps: half precision, memory, determinism, memory formats, and nothing that waits."""
import pytest
import torch
from mmengine.optim import build_optim_wrapper

from segfusion.models.losses import OHEMLoss, WeightedCrossEntropyLoss
from tests.references.networks import network
from tests.references.samples import batch

pytestmark = pytest.mark.gpu
NAMES = ['sfnet', 'sfnet_lite', 'alignseg', 'gff', 'deformable']
SIZE = (33, 65)
SGD = dict(type='SGD', lr=0.01, momentum=0.9)


def trainee(name, device, **optimizer):
    """A model, its optimizer and a batch; the same every time."""
    model = network(name, data_preprocessor__size=SIZE).to(device).train()
    torch.manual_seed(1)
    wrapper = build_optim_wrapper(model, dict(dict(type='OptimWrapper', optimizer=SGD), **optimizer))
    return model, wrapper, batch(11, size=SIZE)


@pytest.mark.parametrize('dtype', ['float16', 'bfloat16'])
@pytest.mark.parametrize('name', NAMES)
def test_half_precision_takes_the_step_of_single_precision(name, dtype, device, monkeypatch):
    """The loss within 5 %; parameters stay float32, finite, and move about as far in about the same direction."""
    if device.type == 'cpu':
        if dtype == 'float16':
            pytest.skip('mmengine knows bfloat16 only on a processor')
        monkeypatch.setattr('mmengine.optim.optimizer.amp_optimizer_wrapper.is_cuda_available', lambda: True)
    losses, moves, dtypes = [], [], []
    for half in ({}, dict(type='AmpOptimWrapper', dtype=dtype, loss_scale=128.)):
        model, wrapper, data = trainee(name, device, **half)
        for module in model.modules():  # statistics of a few values would say more about themselves
            if isinstance(module, (torch.nn.modules.dropout._DropoutNd, torch.nn.modules.batchnorm._BatchNorm)):
                module.eval()
        before = [p.detach().clone() for p in model.parameters()]
        model.decode_head.conv_seg.register_forward_hook(lambda module, args, out: dtypes.append(str(out.dtype)))
        losses.append(float(model.train_step(data, wrapper)['loss']))
        assert all(p.dtype == torch.float32 and p.isfinite().all() for p in model.parameters())
        moves.append(torch.cat([(p.detach() - b).flatten() for p, b in zip(model.parameters(), before)]))
    assert losses[1] == pytest.approx(losses[0], rel=0.05) and dtypes == ['torch.float32', f'torch.{dtype}']
    assert torch.cosine_similarity(*moves, dim=0) > 0.95
    assert 0.9 < moves[1].norm() / moves[0].norm() < 1.1


@pytest.mark.parametrize('name', NAMES + ['gfrnet'])
def test_nothing_outlives_a_step_nor_an_evaluation(name, device, held):
    model, wrapper, data = trainee(name, device)
    model.train_step(data, wrapper)  # momentum and workspaces are there to stay
    wrapper.zero_grad()
    before = held()
    log = model.train_step(data, wrapper)
    wrapper.zero_grad()
    allowed = 1024 * len(log)  # the logged scalars; the smallest map of a step is larger
    assert held() - before <= allowed
    del log
    with torch.no_grad():
        model.eval().test_step(data)
    assert held() - before <= 0


@pytest.mark.parametrize('name', NAMES)
def test_two_trainings_agree_bit_for_bit(name, device, deterministic):
    states = []
    for _ in range(2):
        model, wrapper, data = trainee(name, device)
        for _ in range(2):
            model.train_step(data, wrapper)
        states.append(model.state_dict())
    assert not [key for key in states[0] if not torch.equal(states[0][key], states[1][key])]


@pytest.mark.parametrize('name', NAMES)
def test_channels_last_gives_the_same_logits_and_gradients(name, device, single_precision):
    results = []
    for memory_format in (torch.contiguous_format, torch.channels_last):
        model = network(name).to(device).double().to(memory_format=memory_format)
        torch.manual_seed(1)
        image = torch.randn(2, 3, *SIZE, dtype=torch.float64).to(device, memory_format=memory_format)
        logits = model.decode_head(model.extract_feat(image))
        (logits * torch.linspace(-1, 1, logits.numel(), device=device).view_as(logits)).sum().backward()
        results.append([logits.detach()] + [p.grad for p in model.parameters() if p.grad is not None])
    assert len(results[0]) == len(results[1]) > 10
    for one, other in zip(*results):
        torch.testing.assert_close(one, other, rtol=1e-7, atol=1e-9 * max(1, one.abs().max().item()))


@pytest.mark.parametrize('make', [
    lambda: OHEMLoss(min_kept=100), lambda: OHEMLoss(min_kept=0), lambda: OHEMLoss(min_kept=10**6),
    lambda: OHEMLoss(min_kept=100, class_weight=[1, 2, 3]), lambda: WeightedCrossEntropyLoss([1, 2, 3])])
def test_losses_do_not_wait_and_agree_with_the_processor(make, device, never_waits):
    logits, label = 3 * torch.randn(2, 3, 33, 65), torch.randint(0, 3, (2, 33, 65))
    label[:, :5] = 255
    expected = make()(logits, label)
    loss, there, target = make().to(device), logits.to(device).requires_grad_(), label.to(device)
    loss(there, target).backward()  # loads what is loaded once
    with never_waits():
        value = loss(there, target)
        value.backward()
    torch.testing.assert_close(value.cpu(), expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize('name', NAMES)
def test_networks_do_not_wait(name, device, never_waits):
    model = network(name).to(device).train()
    image = torch.randn(2, 3, *SIZE, device=device)

    def step():
        features = model.extract_feat(image)
        sum(m.mean() for m in [model.decode_head(features)] + list(features)).backward()

    step()
    with never_waits():
        step()
