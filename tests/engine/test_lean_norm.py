"""Maps that are computed again are those that were not kept: gradients to the bit, and less memory."""
import copy
import weakref

import pytest
import torch
from mmseg.registry import RUNNERS
from torch import nn

from segfusion.engine.checked_runner import ConfigError
from segfusion.engine.lean_norm import use_lean_norm
from tests.engine.test_checked_runner import config, scenes  # noqa: F401
from tests.engine.test_faster_training import step
from tests.references.networks import network
from tests.references.samples import batch

SIZE = (33, 65)


def trainable(name, **changes):
    model = network(name, data_preprocessor__size=SIZE, **changes).train()
    for module in model.modules():
        if isinstance(module, nn.modules.dropout._DropoutNd):
            module.eval()
    return model


def lean(model):
    copied = copy.deepcopy(model)
    use_lean_norm(copied)
    return copied


def assert_same_bits(got, expected):
    assert got[0].item() == expected[0].item() and list(got[1]) == list(expected[1])
    assert not [name for name, gradient in expected[1].items() if not torch.equal(got[1][name], gradient)]


@pytest.mark.parametrize('name', ['sfnet', 'sfnet_lite', 'alignseg', 'gff', 'deformable', 'gfrnet'])
def test_a_step_is_the_plain_one(name):
    model = trainable(name)
    data = batch(model.decode_head.num_classes, size=SIZE)
    leaner = lean(model)
    assert_same_bits(step(leaner, data), step(model, data))
    statistics = {key: value for key, value in model.state_dict().items() if 'running' in key or 'tracked' in key}
    assert statistics and all(torch.equal(leaner.state_dict()[key], value) for key, value in statistics.items())


def test_in_bfloat16_and_channels_last_and_with_fixed_norms():
    model = trainable('sfnet').to(memory_format=torch.channels_last)
    for module in model.backbone.layer1.modules():
        module.eval()
    data = batch(model.decode_head.num_classes, size=SIZE)
    with torch.autocast('cpu', torch.bfloat16):
        assert_same_bits(step(lean(model), data), step(model, data))


class Residual(nn.Module):
    """Every kind of end of a block: in place or not, of a block before or of a pooling, and of an unknown."""

    def __init__(self, inplace):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 6, 3, padding=1), nn.BatchNorm2d(6), nn.SiLU(inplace))
        self.pool, self.relu = nn.MaxPool2d(3, 1, 1), nn.ReLU(inplace)
        self.convs = nn.ModuleList(nn.Conv2d(6, 6, 3, padding=1) for _ in range(6))
        self.norms = nn.ModuleList(nn.BatchNorm2d(6) for _ in range(6))

    def forward(self, x):
        x = self.pool(self.stem(x))
        for i in range(4):
            y = self.norms[i](self.convs[i](x))
            x = self.relu(y.add_(x) if i % 2 else x + y)
        y = torch.add(self.norms[4](self.convs[4](x)), x, alpha=0.5)
        x = self.relu(y) * x
        return self.relu(self.norms[5](self.convs[5](x)) + x.mean((2, 3), keepdim=True))


@pytest.mark.parametrize('inplace', [True, False])
def test_residual_blocks_in_double(inplace):
    torch.manual_seed(0)
    model = Residual(inplace).double().train()
    leaner, image = lean(model), torch.randn(2, 3, 7, 9, dtype=torch.float64)
    outs = [net(image) for net in (model, leaner)]
    assert torch.equal(*outs)
    for again in (True, False):  # the second time nothing is remembered
        got, expected = (torch.autograd.grad(out.square().sum(), net.parameters(), retain_graph=again)
                         for out, net in zip(outs, (model, leaner)))
        assert all(torch.equal(one, other) for one, other in zip(got, expected))


def test_maps_behind_norms_are_not_kept():
    def alive(model, data):
        maps = []
        for module in model.modules():
            if isinstance(module, (nn.BatchNorm2d, nn.ReLU)):
                module.register_forward_hook(lambda module, args, out: maps.append(weakref.ref(out)))
        losses = model(**model.data_preprocessor(data, training=True), mode='loss')
        assert model.parse_losses(losses)[0].requires_grad  # hence the graph is alive
        return len(maps), sum(one() is not None for one in maps)

    model = trainable('sfnet')
    data = batch(model.decode_head.num_classes, size=SIZE)
    leaner = lean(model)
    total, kept = alive(model, data)
    assert kept > total / 3  # a norm's output is the activation's, if that is in place
    assert alive(leaner, data) == (total, 0)


def test_a_change_after_use_is_an_error():
    class Changing(nn.Module):

        def __init__(self):
            super().__init__()
            self.conv, self.norm, self.act = nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4), nn.Sigmoid()

        def forward(self, x):
            x = self.act(self.norm(self.conv(x)))
            x.add_(1)
            return x

    model = Changing().train()
    use_lean_norm(model)
    with pytest.raises(RuntimeError, match='changed in place after it was used'):
        model(torch.randn(2, 3, 4, 4)).sum().backward()


def test_by_one_line_of_config(tmp_path, scenes):  # noqa: F811
    runner = RUNNERS.build(config(tmp_path, scenes, lean_norm=True))
    assert 'forward' in vars(runner.model)
    before = copy.deepcopy(runner.model.decode_head.state_dict())
    runner.train()
    after = runner.model.decode_head.state_dict()
    assert not any(torch.equal(before[name], after[name]) for name in before)
    with pytest.raises(ConfigError, match='set compile=False or lean_norm=False'):
        RUNNERS.build(config(tmp_path, scenes, lean_norm=True, compile=True))


def test_a_full_gpu_says_what_takes_less(tmp_path, scenes, monkeypatch):  # noqa: F811
    runner = RUNNERS.build(config(tmp_path, scenes, lean_loss=True))

    def full(*args, **kwargs):
        raise torch.cuda.OutOfMemoryError('CUDA out of memory. Tried to allocate 2.00 GiB.')

    monkeypatch.setattr(runner.model, 'train_step', full)
    with pytest.raises(torch.cuda.OutOfMemoryError, match='2.00 GiB.\n.*without another result: lean_norm=True. With'):
        runner.train()


def test_without_norms_it_says_so():
    with pytest.raises(ValueError, match='expected a model with batch norms, got Linear without'):
        use_lean_norm(nn.Linear(1, 1))
