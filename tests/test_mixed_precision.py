"""Autocast against float32: what half precision may change, head by head."""
import copy

import pytest
import torch
from mmengine.utils import digit_version

from segfusion.deploy import example_image
from tests.references.networks import NETWORKS, network

# Largest and mean difference of the logits, in units of their standard deviation. bfloat16 keeps 8 bits, so a network
# of some forty layers moves by percents; float16 keeps 11.
BOUNDS = {torch.bfloat16: (0.1, 0.02), torch.float16: (0.02, 0.003)}
# Not continuous: where two pixels of a cell are nearly equal, another one wins. There is no bound for a single logit.
POOLING_INDICES = {torch.bfloat16: (float('inf'), 0.2), torch.float16: (float('inf'), 0.05)}
# Softmax among nineteen slices of a few positions: exponentials of rounded scores.
SLICES = {torch.bfloat16: (0.6, 0.1), torch.float16: (0.05, 0.01)}
OWN_BOUNDS = {**dict.fromkeys(('segnet', 'segnet_basic', 'enet'), POOLING_INDICES), 'structtoken_selfslice': SLICES}


def difference(name, dtype):
    model = network(name)
    image = (example_image((64, 96)) - 127) / 60
    with torch.no_grad():
        expected = model(image)
        with torch.autocast('cpu', dtype):
            got = model(image)
    error = (got.float() - expected).abs() / expected.std()
    return got.dtype, error.max().item(), error.mean().item()


# Processors emulate float16, and these take minutes. Their rows in docs/reproducibility.md were measured with this set
# empty.
SLOW_IN_FLOAT16 = {'dilation', 'fcn', 'segnet', 'segnet_basic', 'fc_densenet', 'deeplab_v2'}
CASES = [(n, d) for n in NETWORKS for d in BOUNDS if d is torch.bfloat16 or n not in SLOW_IN_FLOAT16]


@pytest.mark.parametrize('name, dtype', CASES, ids=str)
def test_logits_stay_within_bounds(name, dtype):
    if dtype is torch.float16 and digit_version(torch.__version__) < digit_version('2.3'):
        pytest.skip('torch < 2.3 has no float16 autocast on CPU')
    largest, mean = OWN_BOUNDS.get(name, BOUNDS)[dtype]
    kind, worst, average = difference(name, dtype)
    print(f'{name} {dtype}: largest {worst:.3f}, mean {average:.4f}')
    assert worst < largest and average < mean
    assert 0 < average, 'nothing ran in half precision'


@pytest.mark.parametrize('name', ['sfnet', 'sfnet_lite', 'alignseg', 'gff_flow', 'deformable'])
def test_training_step_in_bfloat16_points_the_same_way(name):
    """The gradient of the loss, all weights together: cosine to float32's above 0.98, length within a tenth.

    Norms are fixed: statistics of a few values would say more about themselves than about the rounding.
    """
    from tests.test_determinism import loss_of
    model = network(name, data_preprocessor__size=(33, 65)).train()
    for module in model.modules():
        if isinstance(module, (torch.nn.modules.dropout._DropoutNd, torch.nn.modules.batchnorm._BatchNorm)):
            module.eval()
    gradients = []
    for half in (False, True):
        twin = copy.deepcopy(model)
        torch.manual_seed(1)
        with torch.autocast('cpu', torch.bfloat16, enabled=half):
            loss = loss_of(twin)
        loss.backward()
        gradients.append(torch.cat([p.grad.flatten() for p in twin.parameters() if p.grad is not None]))
    exact, rounded = gradients
    print(f'{name}: cosine {torch.cosine_similarity(exact, rounded, dim=0):.4f}, '
          f'length {rounded.norm() / exact.norm():.3f}')
    assert torch.cosine_similarity(exact, rounded, dim=0) > 0.98
    assert 0.9 < rounded.norm() / exact.norm() < 1.1
