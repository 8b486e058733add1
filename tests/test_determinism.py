"""Two runs agree bit for bit, and nothing in them would have to add up in a random order on a GPU."""
import pytest
import torch
from mmengine.optim import build_optim_wrapper

from tests.ops.test_grid_taps import deterministic, nodes  # noqa: F401
from tests.references.networks import network
from tests.references.samples import batch

HEADS = ['sfnet', 'sfnet_lite', 'alignseg', 'gff', 'gff_flow', 'deformable']
# What torch refuses on CUDA in deterministic mode, as autograd names it. UpsampleBilinear2D is replaced by torch there.
REFUSED = {'GridSampler2DBackward0', 'AdaptiveAvgPool2DBackward0', 'ReflectionPad2DBackward0', 'MaxUnpool2DBackward0',
           'MedianBackward1', 'PutBackward0'}


def refused(loss):
    return {name for name in nodes(loss) if name in REFUSED or 'deform_conv2d' in name}


def loss_of(model):
    data = model.data_preprocessor(batch(11, size=(33, 65)), True)
    return model.parse_losses(model(**data, mode='loss'))[0]


def train(name, steps=2):
    model = network(name, data_preprocessor__size=(33, 65)).train()
    optimizer = build_optim_wrapper(model, dict(type='OptimWrapper', optimizer=dict(type='SGD', lr=0.01, momentum=0.9)))
    torch.manual_seed(1)
    for _ in range(steps):
        optimizer.update_params(loss_of(model))
    return model.state_dict()


@pytest.mark.parametrize('name', HEADS)
def test_two_trainings_agree_bit_for_bit(name, deterministic):  # noqa: F811
    first, second = train(name), train(name)
    assert first.keys() == second.keys()
    different = [key for key in first if not torch.equal(first[key], second[key])]
    assert not different
    start = network(name).state_dict()
    assert any(not torch.equal(first[key], start[key]) for key in first if 'conv' in key)


@pytest.mark.parametrize('name', HEADS)
def test_backward_holds_nothing_torch_refuses_on_cuda(name, deterministic):  # noqa: F811
    model = network(name, data_preprocessor__size=(33, 65)).train()
    assert not refused(loss_of(model))
    torch.use_deterministic_algorithms(False)
    assert refused(loss_of(model)), 'the list above names nothing this head runs'
