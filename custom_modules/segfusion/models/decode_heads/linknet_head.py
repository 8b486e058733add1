"""LinkNet: decoders that mirror a ResNet's stages, each added to what went into the stage it mirrors."""
from typing import Dict, Optional, Sequence

from mmcv.cnn import ConvModule, build_activation_layer, build_norm_layer
from mmseg.models.decode_heads.decode_head import BaseDecodeHead
from mmseg.registry import MODELS
from torch import Tensor, nn


@MODELS.register_module()
class LinkNetHead(BaseDecodeHead):
    r"""Decoder of LinkNet.

    .. math:: d_i = ReLU(decoder_i(d_{i+1}) + e_{i-1}), \quad i = 4, ..., 1, \quad d_5 = e_4

    with :math:`e_i` the encoder's stages and :math:`e_0` its pooled stem; a decoder is 1x1 to a quarter, 3x3
    transposed, 1x1, each with batch norm and ReLU. Two transposed convolutions lead from 1/4 to the image.

    Paper: `LinkNet: Exploiting Encoder Representations for Efficient Semantic Segmentation
    <https://arxiv.org/abs/1707.03718>`_, Fig. 1 and 2.
    Checked against: e-lab/LinkNet, model.lua, 8805ef7e (wiring) under the keys of e-lab/pytorch-linknet, 99a7c813.
    Differs: nothing known from model.lua. The PyTorch port of the same group has no ReLU after the sums, batch norm
    eps 1e-5 and a log-softmax inside: ``relu_after_sum=False`` and ``norm_cfg=dict(type='BN')`` give it. Maps are
    cropped where a halving was rounded up. ``smp.Linknet`` (segmentation_models.pytorch) has five stages and a 1x1
    head: another network.

    Args:
        in_channels (Sequence[int]): Of the image, the pooled stem and stages 1 to 4 (``StemResNet``).
        in_index (Sequence[int], optional): Backbone levels. Defaults to all of them, in order.
        channels (int): Channels of the last two convolutions. Defaults to 32.
        relu_after_sum (bool): Defaults to True.
        up_norm_cfg (dict): Norm after the first of the two last transposed convolutions, the only one that model.lua
            leaves at eps 1e-5. Defaults to BN.
        **kwargs: Of :class:`mmseg.models.decode_heads.decode_head.BaseDecodeHead`; ``norm_cfg`` defaults to BN with
            eps 1e-3, as written out in model.lua.

    Shape:
        - image (N, 3, H, W), maps at 1/4, 1/4, 1/8, 1/16, 1/32 -> logits (N, num_classes, H, W)
    """

    def __init__(self,
                 in_channels: Sequence[int],
                 channels: int = 32,
                 *,
                 in_index: Optional[Sequence[int]] = None,
                 relu_after_sum: bool = True,
                 norm_cfg: Dict = dict(type='BN', eps=1e-3),
                 up_norm_cfg: Dict = dict(type='BN'),
                 init_cfg=dict(type='Kaiming', layer=['Conv2d', 'ConvTranspose2d'], mode='fan_in'),
                 **kwargs):
        kwargs.setdefault('dropout_ratio', 0)
        super().__init__(
            list(in_channels),
            channels,
            in_index=in_index or list(range(len(in_channels))),
            input_transform='multiple_select',
            norm_cfg=norm_cfg,
            init_cfg=init_cfg,
            **kwargs)
        widths = list(in_channels[1:])  # the stem, then the stages
        common = dict(norm_cfg=norm_cfg, act_cfg=self.act_cfg)
        # Stage 1 keeps the stem's grid, the others halve it.
        self.decoders = nn.ModuleList(
            Decoder(widths[i + 1], widths[i], stride=1 if i == 0 else 2, **common) for i in range(len(widths) - 1))
        self.sum_act = build_activation_layer(self.act_cfg) if relu_after_sum else nn.Identity()
        self.final_up = Upsample(widths[0], channels, 2, up_norm_cfg, self.act_cfg, bias=True)
        self.final_conv = ConvModule(
            channels, channels, 3, padding=1, bias=True, norm_cfg=norm_cfg, act_cfg=self.act_cfg)
        self.conv_seg = nn.ConvTranspose2d(channels, self.out_channels, 2, stride=2)

    def forward(self, inputs: Sequence[Tensor]) -> Tensor:
        image, *encoded, x = self._transform_inputs(inputs)
        for bypass, decoder in zip(encoded[::-1], self.decoders[::-1]):
            x = self.sum_act(crop_to(decoder(x), bypass) + bypass)
        x = self.final_conv(self.final_up(x))  # 1/2
        return crop_to(self.cls_seg(x), image)


def crop_to(x: Tensor, like: Tensor) -> Tensor:
    return x[..., :like.shape[2], :like.shape[3]]


class Upsample(nn.Module):
    """3x3 transposed convolution, norm, activation."""

    def __init__(self, in_channels, channels, stride, norm_cfg, act_cfg, bias=False):
        super().__init__()
        self.conv = nn.ConvTranspose2d(
            in_channels, channels, 3, stride=stride, padding=1, output_padding=stride - 1, bias=bias)
        self.bn = build_norm_layer(norm_cfg, channels)[1]
        self.act = build_activation_layer(act_cfg)

    def forward(self, x: Tensor) -> Tensor:
        return self.act(self.bn(self.conv(x)))


class Decoder(nn.Sequential):
    """Quarter the channels, upsample, go to the channels of the level below."""

    def __init__(self, in_channels: int, channels: int, stride: int, norm_cfg: Dict, act_cfg: Dict):
        width = in_channels // 4
        common = dict(norm_cfg=norm_cfg, act_cfg=act_cfg)
        super().__init__(
            ConvModule(in_channels, width, 1, bias=False, **common), Upsample(width, width, stride, **common),
            ConvModule(width, channels, 1, bias=False, **common))
