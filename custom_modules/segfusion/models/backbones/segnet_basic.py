"""SegNet-Basic's encoder: four wide convolutions, their pooling indices kept."""
from typing import Dict, Optional, Sequence

from mmcv.cnn import ConvModule
from mmengine.model import BaseModule
from mmseg.registry import MODELS
from torch import Tensor, nn

from ...ops import max_pool_with_indices


@MODELS.register_module()
class SegNetBasicEncoder(BaseModule):
    r"""Local response normalisation, then four times 7x7 convolution, batch norm, ReLU and 2x2 pooling.

    .. math:: x_0 = LRN(image), \quad (x_i, s_i) = pool(ReLU(BN(W_i * x_{i-1} + b_i)))

    Paper: `SegNet: A Deep Convolutional Encoder-Decoder Architecture <https://arxiv.org/abs/1511.00561>`_, Sec. 3.1.
    Checked against: alexgkendall/SegNet-Tutorial, Models/segnet_basic_inference.prototxt, bb68b64e.
    Differs: nothing known. The image is in colour levels 0..255, BGR, without mean subtraction, as in the release:
    the local response normalisation does the scaling.

    Args:
        channels (Sequence[int]): Channels of each stage. Defaults to (64, 64, 64, 64).
        kernel_size (int): Defaults to 7.
        dropout (Sequence[float]): Element-wise dropout after each pooling. Defaults to 0 throughout.
        in_channels (int): Channels of the image. Defaults to 3.
        norm_cfg (dict): Defaults to BN.
        act_cfg (dict): Defaults to ReLU.

    Shape:
        - image (N, in_channels, H, W) -> pooling indices s_1 ... s_n (bool, each on the grid before its pooling, see
          :func:`segfusion.ops.max_pool_with_indices`), then x_n (N, C, ceil(H / 2^n), ceil(W / 2^n))
    """

    def __init__(self,
                 channels: Sequence[int] = (64, 64, 64, 64),
                 kernel_size: int = 7,
                 dropout: Sequence[float] = (0, 0, 0, 0),
                 in_channels: int = 3,
                 norm_cfg: Dict = dict(type='BN'),
                 act_cfg: Dict = dict(type='ReLU'),
                 init_cfg: Optional[Dict] = dict(type='Kaiming', layer='Conv2d', mode='fan_in')):
        super().__init__(init_cfg)
        self.normalise = nn.LocalResponseNorm(5, alpha=1e-4, beta=0.75)
        self.convs = nn.ModuleList()
        for width in channels:
            self.convs.append(
                ConvModule(
                    in_channels,
                    width,
                    kernel_size,
                    padding=kernel_size // 2,
                    bias=True,
                    norm_cfg=norm_cfg,
                    act_cfg=act_cfg))
            in_channels = width
        self.dropout = nn.ModuleList(nn.Dropout(p) if p else nn.Identity() for p in dropout)

    def forward(self, x: Tensor):
        x = self.normalise(x)
        levels = []
        for conv, dropout in zip(self.convs, self.dropout):
            x, indices = max_pool_with_indices(conv(x))
            x = dropout(x)
            levels.append(indices)
        return (*levels, x)
