"""Tests of what only a GPU can show. They skip without one; ``SEGFUSION_GPU_TESTS_ON=cpu`` rehearses most of them."""
import gc
import os
from contextlib import contextmanager

import pytest
import torch

from tests.references.waits import no_waiting

os.environ.setdefault('CUBLAS_WORKSPACE_CONFIG', ':4096:8')  # or cuBLAS refuses to be deterministic
ON = os.environ.get('SEGFUSION_GPU_TESTS_ON', 'cuda')


@pytest.fixture
def device():
    if ON == 'cuda' and not torch.cuda.is_available():
        pytest.skip('needs a CUDA device; SEGFUSION_GPU_TESTS_ON=cpu rehearses it on the processor')
    return torch.device(ON)


@pytest.fixture
def single_precision():
    """No TF32 in convolutions and products: a comparison would see its 10 bits, not the code."""
    flags = torch.backends.cudnn.allow_tf32, torch.backends.cuda.matmul.allow_tf32
    torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = False
    yield
    torch.backends.cudnn.allow_tf32, torch.backends.cuda.matmul.allow_tf32 = flags


@pytest.fixture
def deterministic():
    torch.use_deterministic_algorithms(True)
    yield
    torch.use_deterministic_algorithms(False)


@pytest.fixture
def never_waits(device):
    """A context in which waiting for the device is an error."""

    @contextmanager
    def errors():
        torch.cuda.set_sync_debug_mode('error')
        try:
            yield
        finally:
            torch.cuda.set_sync_debug_mode('default')

    return errors if device.type == 'cuda' else no_waiting


@pytest.fixture
def held(device):
    """Bytes of tensors that are alive: what the allocator says, or what Python can reach."""

    def count():
        gc.collect()
        if device.type == 'cuda':
            torch.cuda.synchronize()
            return torch.cuda.memory_allocated()
        tensors = [o for o in gc.get_objects() if isinstance(o, torch.Tensor)]
        return sum({t.untyped_storage().data_ptr(): t.untyped_storage().nbytes() for t in tensors}.values())

    return count
