"""Convolutions to a few channels, as those that predict a displacement."""
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..portable import portable


def conv_to_few(conv: nn.Conv2d, x: Tensor) -> Tensor:
    r"""A convolution to a few channels, as one product and a sum of shifted maps, where nobody needs a gradient.

    .. math:: y = \sum_k S_k (W_k\,x)

    with the channel mixing :math:`W_k` and the shift :math:`S_k` of the :math:`k`-th tap. A direct convolution fills
    its vectors with output channels, and there are not enough of them.

    Args:
        conv: Odd kernel, stride 1, padded to keep the size; in groups or not.
        x: (N, C_in, H, W).

    Shape:
        - (N, C_in, H, W) -> (N, C_out, H, W)
    """
    if x.device.type != 'cpu' or portable() or torch.jit.is_tracing() or type(conv) is not nn.Conv2d or (
            torch.is_grad_enabled() and (x.requires_grad or conv.weight.requires_grad)):
        return conv(x)
    n, channels, height, width = x.shape
    rows = x.permute(0, 2, 3, 1).reshape(n * height * width, channels)
    inputs, weights = rows.chunk(conv.groups, dim=1), conv.weight.flip(2, 3).chunk(conv.groups)
    mixed = torch.cat([i @ w.transpose(0, 1).flatten(1) for i, w in zip(inputs, weights)], dim=1)  # (N H W, C_out k k)
    y = F.fold(mixed.view(n, height * width, -1).transpose(1, 2), (height, width), conv.kernel_size,
               padding=conv.padding)
    return y if conv.bias is None else y.add_(conv.bias.view(1, -1, 1, 1))
