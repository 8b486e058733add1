"""A 1x1 convolution of ``[fine, up(coarse)]`` that never resizes the coarse input, nor concatenates."""
from typing import Optional

import torch.nn.functional as F
from torch import Tensor


def concat_conv1x1(fine: Tensor, coarse: Tensor, weight: Tensor, bias: Optional[Tensor], *,
                   align_corners: bool) -> Tensor:
    r"""Convolve two levels as if they had been resized and concatenated.

    .. math:: W * [x_{fine}, up(x_{coarse})] + b = W_f * x_{fine} + up(W_c * x_{coarse}) + b

    A 1x1 convolution and a resize are both linear, one over channels, the other over space, so they commute. The coarse
    half of the products is done on the coarse grid; the result differs by rounding only.

    Args:
        fine: (N, C_f, H, W).
        coarse: (N, C_c, h, w).
        weight: (K, C_f + C_c, 1, 1), as of the convolution of the concatenation.
        bias: (K,) or None.
        align_corners: Of the resize.

    Raises:
        ValueError: If the channels do not add up to those of the weight, or the kernel is not 1x1.

    Shape:
        - (N, C_f, H, W), (N, C_c, h, w) -> (N, K, H, W)
    """
    channels = fine.shape[1]
    if weight.shape[1] != channels + coarse.shape[1] or weight.shape[2:] != (1, 1):
        raise ValueError(f'expected a 1x1 kernel over {channels} + {coarse.shape[1]} channels, '
                         f'got weight {tuple(weight.shape)}')
    out = F.conv2d(fine, weight[:, :channels], bias)
    part = F.conv2d(coarse, weight[:, channels:])
    if part.shape[2:] != out.shape[2:]:
        part = F.interpolate(part, size=out.shape[2:], mode='bilinear', align_corners=align_corners)
    return out.add_(part)  # in place: neither convolution keeps its output for backward
