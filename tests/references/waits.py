"""Finds, without a GPU, where a GPU would have to be waited for."""
from contextlib import contextmanager

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode

aten = torch.ops.aten
# The host needs a value, or a size that depends on values.
READS = {aten._local_scalar_dense, aten.equal, aten.nonzero, aten.masked_select, aten._unique2, aten.unique_dim,
         aten.unique_consecutive, aten.repeat_interleave}
INDEXING = {aten.index, aten.index_put, aten.index_put_, aten._index_put_impl_}
COPIES = {aten._to_copy, aten.copy_}
FROM_NUMBERS = {torch.tensor, torch.as_tensor, Tensor.new_tensor}


class _Operations(TorchDispatchMode):

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        packet = func.overloadpacket
        if packet in READS and not (packet is aten.repeat_interleave and 'output_size' in kwargs):
            raise RuntimeError(f'{func} waits for the device')
        if packet in INDEXING and any(i is not None and i.dtype in (torch.bool, torch.uint8) for i in args[1]):
            raise RuntimeError(f'{func} with a mask waits for the device')
        out = func(*args, **kwargs)
        if packet in COPIES:
            source = args[1] if packet is aten.copy_ else args[0]
            if source.device != out.device:
                raise RuntimeError(f'{func} from {source.device} to {out.device} waits for the device')
        return out


class _Constants(TorchFunctionMode):

    def __torch_function__(self, func, types, args=(), kwargs=None):
        out = func(*args, **(kwargs or {}))
        if func in FROM_NUMBERS and out.device.type != 'cpu' and not isinstance(args[-1], Tensor):
            raise RuntimeError(f'{func.__name__} of numbers on {out.device} waits for the device')
        return out


@contextmanager
def no_waiting():
    """Raises at the first operation for which the host would wait for a GPU, on whatever device it runs.

    Copies to another device are among them, as they are not asynchronous from ordinary memory. On ``meta`` they show:
    run there what should stay on a GPU.
    """
    with _Operations(), _Constants():
        yield
