"""Channels-last and compiled training change how a step runs, and nothing that it computes."""
import copy

import pytest
import torch
from mmengine.optim import OptimWrapper
from mmengine.runner import CheckpointLoader
from mmseg.registry import RUNNERS
from torch import nn

from segfusion.engine.faster_training import compile_parts, use_channels_last
from tests.engine.test_checked_runner import SIZE, config, scenes  # noqa: F401
from tests.optional import needs_torch
from tests.references.networks import network
from tests.references.samples import batch

needs_2_4 = needs_torch('2.4', 'torch < 2.4 cannot compile it')
LAST = dict(memory_format=torch.channels_last)


def trainable(name, size=(33, 65), **changes):
    """A thin network in training without chance; norms are fixed, since rounding grows in statistics of few values."""
    levels = [8, 32, 64] if name == 'sfnet_lite' else [8, 16, 32, 64]
    thin = dict(backbone__base_channels=8, backbone__stem_channels=8, decode_head__in_channels=levels,
                decode_head__channels=8)
    if name != 'sfnet_lite':
        thin.update(auxiliary_head__in_channels=8, auxiliary_head__channels=8)
    model = network(name, data_preprocessor__size=size, **thin, **changes).train()
    for module in model.modules():
        if isinstance(module, (nn.modules.dropout._DropoutNd, nn.modules.batchnorm._BatchNorm)):
            module.eval()
    return model


def step(model, data):
    """The logged loss, and every gradient."""
    wrapper = OptimWrapper(torch.optim.SGD(model.parameters(), lr=0.))
    wrapper.zero_grad = lambda: None
    loss = model.train_step(data, wrapper)['loss']
    return loss, {name: p.grad.contiguous() for name, p in model.named_parameters() if p.grad is not None}


def assert_same_step(got, expected):
    torch.testing.assert_close(got[0], expected[0], rtol=1e-5, atol=0.)
    assert list(got[1]) == list(expected[1])
    for name, gradient in expected[1].items():
        error = (got[1][name] - gradient).norm()
        assert error <= 1e-3 * gradient.norm() + 1e-6, f'{name}: {error:.1e} of {gradient.norm():.1e}'


@pytest.mark.parametrize('name', ['sfnet', 'sfnet_lite', 'alignseg'])
def test_a_step_channels_last_is_the_contiguous_one(name):
    model = trainable(name)
    data = batch(model.decode_head.num_classes, size=(33, 65))
    last = copy.deepcopy(model)
    use_channels_last(last)
    seen = []
    last.backbone.register_forward_pre_hook(lambda module, args: seen.append(args[0]))
    assert_same_step(step(last, data), step(model, data))
    assert seen[0].shape == (2, 3, 33, 65) and seen[0].is_contiguous(**LAST) and not seen[0].is_contiguous()


@needs_2_4
@pytest.mark.parametrize('align', ['FlowAlign', 'RecordedAlign'])
def test_a_compiled_step_is_the_plain_one(align):
    """With deep supervision and OHEM, and with what a trunk records for its decoder."""
    model = trainable('sfnet', decode_head__align=dict(type=align), decode_head__loss_decode=dict(type='OHEMLoss'))
    data = batch(model.decode_head.num_classes, size=(33, 65))
    compiled = copy.deepcopy(model)
    assert compile_parts(compiled, backend='eager') == 2 + len(model.auxiliary_head)
    assert_same_step(step(compiled, data), step(model, data))
    assert compiled.state_dict().keys() == model.state_dict().keys()


def test_validation_at_many_sizes_compiles_nothing():
    model, graphs = trainable('sfnet'), []

    def count(graph, inputs):
        graphs.append(graph)
        return graph.forward

    expected = copy.deepcopy(model).eval()
    compile_parts(model, backend=count)
    model.eval()
    with torch.no_grad():
        for size in ((33, 65), (40, 64), (64, 33)):
            image = torch.randn(1, 3, *size)
            assert torch.equal(model(image), expected(image))
    assert not graphs


def test_a_model_without_parts_is_told():
    with pytest.raises(ValueError, match='expected a model with one of backbone, .*got Conv2d; set compile=False'):
        compile_parts(nn.Conv2d(1, 1, 1))


@needs_2_4
def test_channels_last_by_one_line_resumes_in_either_layout(tmp_path, scenes):  # noqa: F811
    """Trained, saved, resumed contiguous and trained on: the same iterations, the same checkpoint keys."""
    runner = RUNNERS.build(config(tmp_path, scenes, channels_last=True, compile=dict(backend='eager')))
    runner.train()
    wide = runner.model.decode_head.fpn_bottleneck.conv.weight
    assert wide.is_contiguous(**LAST) and not wide.is_contiguous()
    path = str(tmp_path / 'run' / 'iter_2.pth')
    saved = CheckpointLoader.load_checkpoint(path)
    plain = RUNNERS.build(config(tmp_path, scenes, load_from=path, resume=True, train_cfg__max_iters=2,
                                 experiment_name='again'))
    assert saved['state_dict'].keys() == plain.model.state_dict().keys()
    plain.load_or_resume()
    assert plain.iter == 2
    weight = plain.model.decode_head.fpn_bottleneck.conv.weight
    assert weight.is_contiguous() and torch.equal(weight, wide)


def test_sizes_of_the_data_stay_those_of_the_config(tmp_path, scenes):  # noqa: F811
    runner = RUNNERS.build(config(tmp_path, scenes, channels_last=True))
    data = runner.model.data_preprocessor(batch(11, size=SIZE), True)
    assert data['inputs'].shape == (2, 3, *SIZE) and data['inputs'].is_contiguous(**LAST)
    assert len(data['data_samples']) == 2
