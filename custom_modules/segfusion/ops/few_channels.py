"""Convolutions to a few channels, as those that predict a displacement."""
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..portable import portable


class FewChannelsConv2d(nn.Conv2d):
    r"""A convolution to a few channels, as one product and a sum of shifted maps, where nobody needs a gradient.

    .. math:: y = \sum_k S_k (W_k\,x)

    with the channel mixing :math:`W_k` and the shift :math:`S_k` of the :math:`k`-th tap. A direct convolution fills
    its vectors with output channels, and there are not enough of them.

    Args:
        args, kwargs: Of ``Conv2d``: an odd kernel, stride 1, padded by zeros to keep the size; in groups or not.

    Shape:
        - (N, C_in, H, W) -> (N, C_out, H, W)
    """

    def forward(self, x: Tensor) -> Tensor:
        if x.device.type != 'cpu' or portable() or torch.jit.is_tracing() or (
                torch.is_grad_enabled() and (x.requires_grad or self.weight.requires_grad)):
            return super().forward(x)
        n, channels, height, width = x.shape
        rows = x.permute(0, 2, 3, 1).reshape(n * height * width, channels)
        inputs, weights = rows.chunk(self.groups, dim=1), self.weight.flip(2, 3).chunk(self.groups)
        mixed = torch.cat([i @ w.transpose(0, 1).flatten(1) for i, w in zip(inputs, weights)], dim=1)
        y = F.fold(mixed.view(n, height * width, -1).transpose(1, 2), (height, width), self.kernel_size,
                   padding=self.padding)
        return y if self.bias is None else y.add_(self.bias.view(1, -1, 1, 1))
