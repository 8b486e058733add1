"""ENet's encoder, as the authors' Lua code builds it."""
from typing import Dict, Optional, Sequence

import torch.nn.functional as F
from mmcv.cnn import ConvModule, build_activation_layer, build_norm_layer
from mmengine.model import BaseModule
from mmseg.registry import MODELS
from torch import Tensor, cat, nn

from ...ops import max_pool_with_indices

# Stages 2 and 3: (dilation, length of a factorised kernel or None) of each bottleneck.
STAGE = ((1, None), (2, None), (1, 5), (4, None), (1, None), (8, None), (1, 5), (16, None))


@MODELS.register_module()
class ENetEncoder(BaseModule):
    r"""Initial block and stages 1 to 3 of ENet.

    Every bottleneck is :math:`y = act(main(x) + expand(conv(reduce(x))))` with a quarter of the output channels
    inside. Downsampling bottlenecks pool the main branch, remember where from, and pad its channels with zeros.

    Paper: `ENet: A Deep Neural Network Architecture for Real-Time Semantic Segmentation
    <https://arxiv.org/abs/1606.02147>`_, Table 1.
    Checked against: e-lab/ENet-training, train/models/encoder.lua, f7621447 (a transcription to torch).
    Differs: nothing known from the Lua code, which differs from the paper's text in having no activation after the
    expansion. The popular PyTorch port (davidtvs/PyTorch-ENet) is another network in ten places, among them: initial
    pooling 3x3, one PReLU slope for all channels, an activation after the expansion, a quarter of the *input*
    channels inside, no biases, batch norm eps 1e-5. Odd sizes are rounded up at each halving, which the Lua code
    refuses.

    Args:
        in_channels (int): Channels of the image. Defaults to 3.
        dropout (Sequence[float]): Spatial dropout of the bottlenecks of stage 1, and of stages 2 and 3. Defaults to
            (.01, .1).
        norm_cfg (dict): Defaults to BN with eps 1e-3, as written out in the Lua code.
        act_cfg (dict): Defaults to PReLU, one slope a channel.

    Shape:
        - image (N, in_channels, H, W) -> the image, indices of the first pooling bottleneck (N, 16, ceil(H / 2), ...)
          and of the second (N, 64, ceil(H / 4), ...), both bool, and the map (N, 128, ceil(H / 8), ceil(W / 8))
    """

    channels_first = True  # channels-last, 1x1 convolutions of 16 and 32 channels take twice the time on a CPU

    def __init__(self,
                 in_channels: int = 3,
                 dropout: Sequence[float] = (0.01, 0.1),
                 norm_cfg: Dict = dict(type='BN', eps=1e-3),
                 act_cfg: Dict = dict(type='PReLU'),
                 init_cfg: Optional[Dict] = dict(type='Kaiming', layer='Conv2d', mode='fan_in')):
        super().__init__(init_cfg)
        common = dict(norm_cfg=norm_cfg, act_cfg=act_cfg)
        self.initial = nn.Conv2d(in_channels, 16 - in_channels, 3, stride=2, padding=1)
        self.initial_norm = build_norm_layer(norm_cfg, 16)[1]
        self.initial_act = activation(act_cfg, 16)
        self.down1 = DownBottleneck(16, 64, dropout=dropout[0], **common)
        self.stage1 = nn.Sequential(*(Bottleneck(64, 64, dropout=dropout[0], **common) for _ in range(4)))
        self.down2 = DownBottleneck(64, 128, dropout=dropout[1], **common)
        self.stage2, self.stage3 = (
            nn.Sequential(*(Bottleneck(128, 128, dilation=d, factorised=k, dropout=dropout[1], **common)
                            for d, k in STAGE)) for _ in range(2))

    def forward(self, image: Tensor):
        pooled = F.max_pool2d(image, 2, 2, ceil_mode=True)
        x = self.initial_act(self.initial_norm(cat([self.initial(image), pooled], dim=1)))
        x, indices1 = self.down1(x)
        x, indices2 = self.down2(self.stage1(x))
        return image, indices1, indices2, self.stage3(self.stage2(x))


def activation(act_cfg: Dict, channels: int) -> nn.Module:
    """Build an activation; a PReLU gets one slope for each channel."""
    return build_activation_layer(_per_channel(act_cfg, channels))


def _per_channel(act_cfg: Dict, channels: int) -> Dict:
    return dict(act_cfg, num_parameters=channels) if act_cfg['type'] == 'PReLU' else act_cfg


class Bottleneck(nn.Module):
    """Regular, dilated or factorised bottleneck; the main branch is the identity."""

    def __init__(self,
                 in_channels: int,
                 channels: int,
                 norm_cfg: Dict,
                 act_cfg: Dict,
                 dilation: int = 1,
                 factorised: Optional[int] = None,
                 dropout: float = 0.,
                 reduce_kernel: int = 1):
        super().__init__()
        width = channels // 4
        inner = dict(norm_cfg=norm_cfg, act_cfg=_per_channel(act_cfg, width))
        self.reduce = ConvModule(in_channels, width, reduce_kernel, stride=reduce_kernel, bias=False, **inner)
        if factorised:
            # The two halves follow each other directly; only the second has a bias.
            self.row = nn.Conv2d(width, width, (1, factorised), padding=(0, factorised // 2), bias=False)
            self.conv = ConvModule(width, width, (factorised, 1), padding=(factorised // 2, 0), bias=True, **inner)
        else:
            self.row = nn.Identity()
            self.conv = ConvModule(width, width, 3, padding=dilation, dilation=dilation, bias=True, **inner)
        self.expand = ConvModule(width, channels, 1, bias=False, norm_cfg=norm_cfg, act_cfg=None)
        self.dropout = nn.Dropout2d(dropout)
        self.act = activation(act_cfg, channels)

    def residual(self, x: Tensor) -> Tensor:
        return self.dropout(self.expand(self.conv(self.row(self.reduce(x)))))

    def forward(self, x: Tensor) -> Tensor:
        return self.act(x + self.residual(x))


class DownBottleneck(Bottleneck):
    """Halves the grid: 2x2 convolution of stride 2 beside a pooling whose indices are returned."""

    def __init__(self, in_channels: int, channels: int, **kwargs):
        super().__init__(in_channels, channels, reduce_kernel=2, **kwargs)

    def forward(self, x: Tensor):
        main, indices = max_pool_with_indices(x)
        # An odd last row or column has a cell of its own in the pooling, hence in the convolution too.
        residual = self.residual(F.pad(x, (0, x.shape[3] % 2, 0, x.shape[2] % 2)))
        main = F.pad(main, (0, 0, 0, 0, 0, residual.shape[1] - main.shape[1]))
        return self.act(main + residual), indices
