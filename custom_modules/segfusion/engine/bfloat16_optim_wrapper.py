from contextlib import contextmanager
from types import MethodType

import torch
from mmengine.optim import OptimWrapper
from mmseg.registry import OPTIM_WRAPPERS
from torch import Tensor, nn


@OPTIM_WRAPPERS.register_module()
class Bfloat16OptimWrapper(OptimWrapper):
    """Mixed precision in bfloat16, on GPUs and on CPUs.

    bfloat16 has the range of float32, so no loss is scaled and no step is skipped; ``AmpOptimWrapper``, which scales,
    runs on GPUs only. On a CPU, depthwise convolutions of more than 3x3 stay in float32: oneDNN's backward of them takes
    three to five times as long in bfloat16.

    Args:
        **kwargs: Of :class:`mmengine.optim.OptimWrapper`.
    """

    @contextmanager
    def optim_context(self, model: nn.Module):
        device = next(model.parameters()).device.type
        if device == 'cpu':
            keep_wide_depthwise(model)
        with super().optim_context(model), torch.autocast(device, torch.bfloat16):
            yield


def keep_wide_depthwise(model: nn.Module) -> None:
    """Let depthwise convolutions of more than 3x3 leave autocast; those that do already stay as they are."""
    for module in model.modules():
        wide = isinstance(module, nn.Conv2d) and module.groups == module.in_channels > 1 and max(module.kernel_size) > 3
        if wide and 'forward' not in vars(module):
            module.forward = MethodType(_forward_in_float32, module)  # of a copy, if the module is copied


def _forward_in_float32(module: nn.Conv2d, x: Tensor) -> Tensor:
    with torch.autocast(x.device.type, enabled=False):
        return type(module).forward(module, x.float())
