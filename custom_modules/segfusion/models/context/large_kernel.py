"""The large separable kernels of the Global Convolutional Network (not mmseg's GCNet, the global context block)."""
from typing import Dict, Optional

from mmengine.model import BaseModule
from mmseg.registry import MODELS
from torch import Tensor, nn


@MODELS.register_module()
class LargeKernelContext(BaseModule):
    r"""A dense k x k window at the price of four one-dimensional kernels.

    .. math:: y = W_{1 \times k} * (W_{k \times 1} * x) + W'_{k \times 1} * (W'_{1 \times k} * x)

    without norms or activations.

    Paper: `Large Kernel Matters -- Improve Semantic Segmentation by Global Convolutional Network
    <https://arxiv.org/abs/1703.02719>`_, Sec. 3.1, Fig. 2(b).
    Checked against: ZijunDeng/pytorch-semantic-segmentation, models/gcn.py, 4a1721f9.
    Differs: nothing known.

    Args:
        channels (int): Channels of the result.
        in_channels (int, optional): Channels of the map. Defaults to ``channels``.
        kernel_size (int): k, odd. The paper's 15 covers the 16x16 map of a 512x512 image; the port uses 7. Defaults
            to 7.

    Raises:
        ValueError: If ``kernel_size`` is even.

    Shape:
        - x (N, in_channels, H, W) -> (N, channels, H, W)
    """

    def __init__(self,
                 channels: int,
                 *,
                 in_channels: Optional[int] = None,
                 kernel_size: int = 7,
                 init_cfg: Optional[Dict] = dict(type='Kaiming', layer='Conv2d', mode='fan_in')):
        super().__init__(init_cfg)
        if kernel_size % 2 == 0:
            raise ValueError(f'kernel_size must be odd to keep the grid, got {kernel_size}; take {kernel_size + 1}')
        k, pad = kernel_size, kernel_size // 2
        in_channels = in_channels or channels
        self.column_row = nn.Sequential(
            nn.Conv2d(in_channels, channels, (k, 1), padding=(pad, 0)),
            nn.Conv2d(channels, channels, (1, k), padding=(0, pad)))
        self.row_column = nn.Sequential(
            nn.Conv2d(in_channels, channels, (1, k), padding=(0, pad)),
            nn.Conv2d(channels, channels, (k, 1), padding=(pad, 0)))

    def forward(self, x: Tensor) -> Tensor:
        return self.column_row(x) + self.row_column(x)
