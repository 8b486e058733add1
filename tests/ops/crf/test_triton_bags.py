"""The kernel for GPUs, by Triton's interpreter on a processor, in a process of its own: it is chosen at import."""
import os
import subprocess
import sys
from pathlib import Path

import pytest
from mmengine.utils import digit_version

SCRIPT = """
import torch
from segfusion.ops.crf import permutohedral
from segfusion.ops.crf.triton_bags import triton_bags
from tests.ops.crf import test_mean_field

called = []

def bags(*args):
    called.append(len(args[0]))
    return triton_bags(*args)

torch.manual_seed(0)
for channels, dtype in ((1, torch.float64), (5, torch.float32), (130, torch.float32)):
    offset = torch.tensor([0, 0, 7, 8, 20], dtype=torch.int32)
    index, weight = torch.randint(9, (20, ), dtype=torch.int32), torch.randn(20, dtype=dtype)
    given = torch.randn(9, channels, dtype=dtype), index, offset, weight
    torch.testing.assert_close(triton_bags(*given), permutohedral.weighted_bags(*given), atol=1e-6, rtol=1e-6)

image, unary, compat = torch.rand(1, 3, 4, 5) * 255, torch.randn(20, 3), torch.randn(3, 3)
test_mean_field.gaussian_kernel.__globals__['strips_work'] = lambda dtype, device: False
results = []
for own in (lambda table: None, lambda table: bags):
    permutohedral._bags_of = own
    logits, matrix = unary.clone().requires_grad_(), compat.clone().requires_grad_()
    out = test_mean_field.mean_field(logits, test_mean_field.kernels(image, sigmas=(3., 9., 20.)), [matrix, matrix], 2)
    out.square().sum().backward()
    results.append((out.detach(), logits.grad, matrix.grad))
for one, other in zip(*results):
    torch.testing.assert_close(one, other, atol=1e-5, rtol=1e-5)
assert called
"""


def test_bags_and_mean_field_are_those_of_pytorch():
    triton = pytest.importorskip('triton')
    if digit_version(triton.__version__) < digit_version('3.0'):
        pytest.skip('no interpreter on processors')
    root = Path(__file__).parents[3]
    path = os.pathsep.join([str(root), str(root / 'custom_modules')])
    done = subprocess.run([sys.executable, '-c', SCRIPT], cwd=root, capture_output=True, text=True,
                          env={**os.environ, 'TRITON_INTERPRET': '1', 'PYTHONPATH': path})
    assert done.returncode == 0, done.stderr[-2000:]
