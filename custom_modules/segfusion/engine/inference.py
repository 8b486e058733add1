"""One switch for faster inference: what algebra gives for free once a network is no longer trained."""
from contextlib import contextmanager
from typing import Iterator

import torch
from mmcv.cnn import ConvModule, fuse_conv_bn
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from ..ops import WinogradConv2d
from .memory import keep_freed_memory


def prepare_for_inference(model: nn.Module, *, channels_last: bool = True, winograd: bool = True,
                          verify: bool = True) -> nn.Module:
    r"""Make a segmentor faster without changing what it computes.

    .. math::
        W' = W \gamma / \sqrt{\sigma^2 + \epsilon}, \quad
        b' = \beta + (b - \mu) \gamma / \sqrt{\sigma^2 + \epsilon}

    * Norms are folded in the backbone and in every ``ConvModule``, where the norm is known to follow the convolution.
      A part with another order says itself how (``fold_norms``); what is left stays, as the norms before a convolution
      in DDRNet's and PIDNet's context.
    * The bottleneck of a pyramid or of pyramid pooling is applied level by level instead of to their concatenation, and
      to much smaller levels before they are resized
      (:func:`~segfusion.ops.conv_of_resized.conv_module_of_resized`).
    * On a CPU, 3x3 convolutions of many channels take a quarter of the products
      (:func:`~segfusion.ops.winograd.winograd_conv2d`), and the process keeps the memory of large maps
      (:func:`~segfusion.engine.memory.keep_freed_memory`).

    The result can no longer be trained.

    Args:
        model: Segmentor; changed in place.
        channels_last: Also convert weights to channels-last memory, which convolutions on CPU and tensor cores prefer;
            not on a CPU if a part says that it is slower so (``channels_first``).
        winograd: Also keep weights of 3x3 convolutions as Winograd's algorithm takes them, four times as large, if the
            model is on a CPU.
        verify: Compare the logits before and after on a random image.

    Returns:
        The same model, in evaluation mode.

    Raises:
        RuntimeError: If the logits changed by more than float32 rounding: then a norm of this network does not follow
            its convolution, and the model must not be used.
    """
    model = model.eval()
    image = torch.randn(1, 3, 96, 128, device=next(model.parameters()).device)
    before = _logits(model, image) if verify else None
    with _other_orders_apart(model):
        fuse_conv_bn(model.backbone)
        for module in model.modules():
            if isinstance(module, ConvModule):
                fuse_conv_bn(module)
    for module in model.modules():
        if hasattr(module, 'split_bottleneck'):
            module.split_bottleneck = True
        if hasattr(module, 'fold_norms'):
            module.fold_norms()
    model.requires_grad_(False)
    if image.device.type == 'cpu':
        keep_freed_memory()
        channels_last &= not any(getattr(module, 'channels_first', False) for module in model.modules())
        for module in list(model.modules()) if winograd else []:
            for name, child in module.named_children():
                if WinogradConv2d.fits(child):
                    setattr(module, name, WinogradConv2d(child))
    if channels_last:
        model.to(memory_format=torch.channels_last)
    if verify:
        error = (_logits(model, image) - before).abs().max() / before.std().clamp(min=1e-12)
        if not error <= 1e-3:
            raise RuntimeError(f'folding changed the logits by {error:.1e} of their standard deviation: a norm of this '
                               'network does not follow its convolution; use the model without prepare_for_inference')
    return model


@contextmanager
def _other_orders_apart(model: nn.Module) -> Iterator[None]:
    """Take out, for a while, norms that do not follow their convolution.

    ``fuse_conv_bn`` goes by the order in which layers were made, and would multiply the norm of a ``ConvModule`` that
    begins with it into the convolution before, and fail at ENet's, which normalises the convolution and a pooling.
    """
    found = []
    for parent in model.modules():
        channels = None
        for name, child in parent.named_children():
            if isinstance(child, nn.Conv2d):
                channels = child.out_channels
            elif isinstance(child, ConvModule) and child.order[0] != 'conv' or \
                    isinstance(child, _BatchNorm) and channels not in (None, child.num_features):
                found.append((parent, name, child))
    for parent, name, _ in found:
        setattr(parent, name, nn.Identity())
    try:
        yield
    finally:
        for parent, name, child in found:
            setattr(parent, name, child)


def _logits(model: nn.Module, image: Tensor) -> Tensor:
    """Without TF32: a GPU's 10 bits would look like an error of the folding."""
    tf32 = torch.backends.cudnn.allow_tf32
    torch.backends.cudnn.allow_tf32 = False
    try:
        with torch.no_grad():
            return model(image)
    finally:
        torch.backends.cudnn.allow_tf32 = tf32
