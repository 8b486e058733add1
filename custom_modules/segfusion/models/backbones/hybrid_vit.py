"""A weight-standardised ResNet whose last map becomes the tokens of a vision transformer."""
from typing import Dict, List, Optional, Sequence, Tuple, Union

import torch
import torch.nn.functional as F
import torch.utils.checkpoint as cp
from mmcv.cnn import build_norm_layer
from mmengine.model import BaseModule
from mmseg.models.backbones.vit import TransformerEncoderLayer
from mmseg.models.utils import resize
from mmseg.registry import MODELS
from torch import Tensor, nn

from .plain_vit import fuse_attention


class StandardizedConv2d(nn.Conv2d):
    r"""Convolution by :math:`(W - \mu) / \sqrt{\sigma^2 + 10^{-5}}`, the moments taken over each filter.

    Paper: `Weight Standardization <https://arxiv.org/abs/1903.10520>`_. mmcv's ``ConvWS2d`` divides by the unbiased
    deviation plus epsilon instead: close, but not what the pretrained files were trained with.
    """

    def forward(self, x: Tensor) -> Tensor:
        weight = self.weight - self.weight.mean(dim=(1, 2, 3), keepdim=True)
        weight = weight / torch.sqrt(weight.square().mean(dim=(1, 2, 3), keepdim=True) + 1e-5)
        return F.conv2d(x, weight, self.bias, self.stride, self.padding, self.dilation, self.groups)


class Bottleneck(BaseModule):
    """1x1, 3x3 with the stride, 1x1, each standardised and normed; the projected shortcut has a norm a channel."""

    def __init__(self, in_channels: int, channels: int, out_channels: int, stride: int, norm_cfg: Dict, with_cp: bool):
        super().__init__()
        self.with_cp = with_cp
        self.conv1 = StandardizedConv2d(in_channels, channels, 1, bias=False)
        self.conv2 = StandardizedConv2d(channels, channels, 3, stride=stride, padding=1, bias=False)
        self.conv3 = StandardizedConv2d(channels, out_channels, 1, bias=False)
        for i, width in enumerate((channels, channels, out_channels), 1):
            self.add_module(f'norm{i}', build_norm_layer(norm_cfg, width)[1])
        self.shortcut = None
        if stride != 1 or in_channels != out_channels:
            self.shortcut = nn.Sequential(
                StandardizedConv2d(in_channels, out_channels, 1, stride=stride, bias=False),
                nn.GroupNorm(out_channels, out_channels))

    def _forward(self, x: Tensor) -> Tensor:
        y = F.relu(self.norm1(self.conv1(x)))
        y = F.relu(self.norm2(self.conv2(y)))
        y = self.norm3(self.conv3(y))
        return F.relu(y + (x if self.shortcut is None else self.shortcut(x)))

    def forward(self, x: Tensor) -> Tensor:
        if self.with_cp and x.requires_grad:
            return cp.checkpoint(self._forward, x, use_reentrant=False)
        return self._forward(x)


@MODELS.register_module()
class HybridVisionTransformer(BaseModule):
    r"""TransUNet's encoder: a ResNet down to stride 16, its map as the tokens of a vision transformer.

    .. math::
        z_0 = E * trunk(x) + P, \quad z_l = z_l' + MLP(LN(z_l')), \quad z_l' = z_{l-1} + MSA(LN(z_{l-1})), \quad
        y = LN(z_L)

    Levels, fine to coarse: the stem at stride 2, all stages but the last at strides 4 and 8, and :math:`y` at stride
    16, on the grid of the tokens. There is no class token.

    Paper: `TransUNet: Transformers Make Strong Encoders for Medical Image Segmentation
    <https://arxiv.org/abs/2102.04306>`_; the transformer is that of `ViT <https://arxiv.org/abs/2010.11929>`_.

    Checked against: Beckschen/TransUNet, networks/vit_seg_modeling.py, vit_seg_modeling_resnet_skip.py, 02ef0010.

    Differs: any size, where the release takes squares that 16 divides. Its max pooling is not padded, so a map of
    stride 4 or 8 may lack a last row and column: the level is filled up with zeros to :math:`\lfloor H / 4 \rfloor
    \times \lfloor W / 4 \rfloor` and so on, as released, and the next stage reads it as it was. Positions are resized
    linearly, corners aligned, on the way (the release does so once, when it reads its pretrained file).

    Args:
        img_size (int | tuple): Height and width that the learned positions are for, in pixels. Defaults to 224.
        patch_size (int): Pixels a token, a multiple of the trunk's stride. Defaults to 16.
        stage_blocks (Sequence[int]): Blocks of each stage; () for no trunk, a plain ViT. Defaults to (3, 4, 9), R50.
        base_channels (int): Channels of the stem. Defaults to 64.
        embed_dims (int): Channels of a token. Defaults to 768.
        num_layers (int): Defaults to 12.
        num_heads (int): Defaults to 12.
        mlp_ratio (int): Hidden channels of an MLP by ``embed_dims``. Defaults to 4.
        drop_rate (float): Dropout of the embedded tokens and after both layers of an MLP. Defaults to 0.1.
        attn_drop_rate (float): Dropout of the attention and after its projection. Defaults to 0.
        with_image (bool): Whether to return the image as the first level, for a decoder that ends at its size.
            Defaults to False.
        with_cp (bool): Recompute blocks and layers in the backward pass to save memory. Defaults to False.
        norm_cfg (dict): Of the trunk. Defaults to GN with 32 groups and epsilon 1e-6.
        init_cfg (dict, optional): ``dict(type='Pretrained', checkpoint=...)`` takes a file of
            ``tools/convert_checkpoint.py``.

    Raises:
        ValueError: If ``patch_size`` is not a multiple of the trunk's stride, or ``img_size`` not one of it.

    Shape:
        - image (N, 3, H, W) -> [image,] (N, 64, H/2, W/2), (N, 256, H/4, W/4), (N, 512, H/8, W/8),
          (N, embed_dims, H/16, W/16)
    """

    def __init__(self,
                 img_size: Union[int, Sequence[int]] = 224,
                 *,
                 patch_size: int = 16,
                 stage_blocks: Sequence[int] = (3, 4, 9),
                 base_channels: int = 64,
                 embed_dims: int = 768,
                 num_layers: int = 12,
                 num_heads: int = 12,
                 mlp_ratio: int = 4,
                 drop_rate: float = 0.1,
                 attn_drop_rate: float = 0.,
                 with_image: bool = False,
                 with_cp: bool = False,
                 norm_cfg: Dict = dict(type='GN', num_groups=32, eps=1e-6),
                 init_cfg: Optional[Dict] = None):
        super().__init__(init_cfg or [
            dict(type='Kaiming', layer='Conv2d'),
            dict(type='TruncNormal', layer='Linear', std=0.02),
            dict(type='Constant', val=1, layer=['GroupNorm', 'LayerNorm'])
        ])
        height, width = (img_size, img_size) if isinstance(img_size, int) else img_size
        stride = 2 << len(stage_blocks) if stage_blocks else 1
        if patch_size % stride:
            raise ValueError(f'a trunk of {len(stage_blocks)} stages has stride {stride}: expected a patch_size that '
                             f'is a multiple of it, got {patch_size}')
        if height % patch_size or width % patch_size:
            raise ValueError(f'expected an img_size that patch_size={patch_size} divides, got {(height, width)}; other '
                             'sizes are taken all the same, positions are resized to them')
        self.with_image = with_image
        channels = 3
        self.stages = nn.ModuleList()
        if stage_blocks:
            self.stem = StandardizedConv2d(3, base_channels, 7, stride=2, padding=3, bias=False)
            self.stem_norm = build_norm_layer(norm_cfg, base_channels)[1]
            channels = base_channels
        for i, count in enumerate(stage_blocks):
            inner = base_channels << i
            blocks = []
            for b in range(count):
                blocks.append(Bottleneck(channels, inner, 4 * inner, 2 if i and not b else 1, norm_cfg, with_cp))
                channels = 4 * inner
            self.stages.append(nn.Sequential(*blocks))
        self.patch_embed = nn.Conv2d(channels, embed_dims, patch_size // stride, stride=patch_size // stride)
        self.pos_embed = nn.Parameter(torch.zeros(1, embed_dims, height // patch_size, width // patch_size))
        nn.init.trunc_normal_(self.pos_embed, std=0.02)
        self.dropout = nn.Dropout(drop_rate)
        self.layers = nn.ModuleList()
        norm = dict(type='LN', eps=1e-6)
        for _ in range(num_layers):
            layer = TransformerEncoderLayer(
                embed_dims,
                num_heads,
                mlp_ratio * embed_dims,
                drop_rate=drop_rate,
                attn_drop_rate=attn_drop_rate,
                norm_cfg=norm,
                with_cp=with_cp)
            layer.attn.proj_drop = nn.Dropout(attn_drop_rate)  # mmseg gives it the rate of the MLP
            self.layers.append(layer)
        self.norm = build_norm_layer(norm, embed_dims)[1]
        fuse_attention(self)

    def trunk(self, image: Tensor) -> Tuple[Tensor, List[Tensor]]:
        """The last map of the ResNet, and the levels before it, filled up to their share of the image."""
        if not self.stages:
            return image, []
        x = F.relu(self.stem_norm(self.stem(image)))
        levels = [x]
        x = F.max_pool2d(x, 3, stride=2)
        for i, stage in enumerate(self.stages):
            x = stage(x)
            if i < len(self.stages) - 1:
                levels.append(self._filled(x, image, 4 << i))
        return x, levels

    @staticmethod
    def _filled(x: Tensor, image: Tensor, stride: int) -> Tensor:
        down, right = (max(full // stride - have, 0) for full, have in zip(image.shape[2:], x.shape[2:]))
        return F.pad(x, (0, right, 0, down))

    def forward(self, image: Tensor) -> Tuple[Tensor, ...]:
        x, levels = self.trunk(image)
        x = self.patch_embed(x)
        size = x.shape[2:]
        positions = self.pos_embed
        if positions.shape[2:] != size or torch.jit.is_tracing():  # a trace would keep the example's answer
            positions = resize(positions, size=size, mode='bilinear', align_corners=True, warning=False)
        x = self.dropout((x + positions).flatten(2).transpose(1, 2))  # (N, h * w, embed_dims)
        for layer in self.layers:
            x = layer(x)
        x = self.norm(x).transpose(1, 2).unflatten(2, size)
        return (*([image] if self.with_image else []), *levels, x)
