"""ENet's decoder, as the authors' Lua code builds it."""
from typing import Dict, Optional, Sequence

from mmcv.cnn import ConvModule, build_activation_layer, build_norm_layer
from mmseg.models.decode_heads.decode_head import BaseDecodeHead
from mmseg.registry import MODELS
from torch import Tensor, nn

from ..slots import build_part


@MODELS.register_module()
class ENetHead(BaseDecodeHead):
    r"""Stages 4 and 5 of ENet and its full convolution.

    Upsampling bottlenecks mirror the encoder's: the main branch goes through a 1x1 convolution and is unpooled with
    the indices of the matching pooling, the other through a transposed convolution. The last transposed convolution
    gives the logits at the size of the image.

    Paper: `ENet: A Deep Neural Network Architecture for Real-Time Semantic Segmentation
    <https://arxiv.org/abs/1606.02147>`_, Table 1.
    Checked against: e-lab/ENet-training, train/models/decoder.lua, f7621447 (a transcription to torch).
    Differs: nothing known, except that maps are cropped where a halving was rounded up. The popular PyTorch port uses
    a 2x2 transposed convolution in the bottlenecks, a 3x3 one at the end, and dropout.

    Args:
        in_channels (Sequence[int]): Of the image, the two pooling indices and the last map of ``ENetEncoder``. Defaults
            to (3, 16, 64, 128).
        in_index (Sequence[int], optional): Backbone levels. Defaults to all of them, in order.
        align (dict): How the main branch gets onto the grid of the pooling indices. Defaults to ``IndexUnpool``.
        **kwargs: Of :class:`mmseg.models.decode_heads.decode_head.BaseDecodeHead`; ``norm_cfg`` defaults to BN with
            eps 1e-3.

    Shape:
        - image (N, 3, H, W), pooling indices, map (N, 128, ceil(H / 8), ceil(W / 8)) -> logits (N, num_classes, H, W)
    """

    def __init__(self,
                 in_channels: Sequence[int] = (3, 16, 64, 128),
                 *,
                 in_index: Optional[Sequence[int]] = None,
                 align: Dict = dict(type='IndexUnpool'),
                 init_cfg=dict(type='Kaiming', layer=['Conv2d', 'ConvTranspose2d'], mode='fan_in'),
                 **kwargs):
        kwargs.setdefault('channels', in_channels[1])
        kwargs.setdefault('dropout_ratio', 0)
        kwargs.setdefault('norm_cfg', dict(type='BN', eps=1e-3))
        super().__init__(
            list(in_channels),
            in_index=in_index or list(range(len(in_channels))),
            input_transform='multiple_select',
            init_cfg=init_cfg,
            **kwargs)
        _, fine, middle, coarse = in_channels
        common = dict(norm_cfg=self.norm_cfg, act_cfg=self.act_cfg)
        self.align = build_part('align', align, self, dict(align_corners=self.align_corners, **common))
        self.up4 = UpBottleneck(coarse, middle, **common)
        self.stage4 = nn.Sequential(*(PlainBottleneck(middle, **common) for _ in range(2)))
        self.up5 = UpBottleneck(middle, fine, **common)
        self.stage5 = PlainBottleneck(fine, **common)
        self.conv_seg = nn.ConvTranspose2d(self.channels, self.out_channels, 2, stride=2)

    def forward(self, inputs: Sequence[Tensor]) -> Tensor:
        image, indices1, indices2, x = self._transform_inputs(inputs)
        x = self.stage4(self.up4(x, indices2, self.align))  # 1/4
        x = self.stage5(self.up5(x, indices1, self.align))  # 1/2
        return self.cls_seg(x)[..., :image.shape[2], :image.shape[3]]


class PlainBottleneck(nn.Module):
    """Reduce, 3x3, expand, added to the input."""

    def __init__(self, channels: int, norm_cfg: Dict, act_cfg: Dict):
        super().__init__()
        width = channels // 4
        self.reduce = ConvModule(channels, width, 1, bias=False, norm_cfg=norm_cfg, act_cfg=act_cfg)
        self.conv = ConvModule(width, width, 3, padding=1, bias=True, norm_cfg=norm_cfg, act_cfg=act_cfg)
        self.expand = ConvModule(width, channels, 1, bias=False, norm_cfg=norm_cfg, act_cfg=None)
        self.act = build_activation_layer(act_cfg)

    def forward(self, x: Tensor) -> Tensor:
        return self.act(x + self.expand(self.conv(self.reduce(x))))


class UpBottleneck(nn.Module):
    """Double the grid: a transposed convolution beside the unpooled main branch."""

    def __init__(self, in_channels: int, channels: int, norm_cfg: Dict, act_cfg: Dict):
        super().__init__()
        width = channels // 4
        self.skip = ConvModule(in_channels, channels, 1, bias=False, norm_cfg=norm_cfg, act_cfg=None)
        self.reduce = ConvModule(in_channels, width, 1, bias=False, norm_cfg=norm_cfg, act_cfg=act_cfg)
        self.deconv = nn.ConvTranspose2d(width, width, 3, stride=2, padding=1, output_padding=1)
        self.norm = build_norm_layer(norm_cfg, width)[1]
        self.expand = ConvModule(width, channels, 1, bias=False, norm_cfg=norm_cfg, act_cfg=None)
        self.act = build_activation_layer(act_cfg)

    def forward(self, x: Tensor, indices: Tensor, align: nn.Module) -> Tensor:
        main, _ = align(self.skip(x), indices)
        up = self.act(self.norm(self.deconv(self.reduce(x))))[..., :main.shape[2], :main.shape[3]]
        return self.act(main + self.expand(up))
