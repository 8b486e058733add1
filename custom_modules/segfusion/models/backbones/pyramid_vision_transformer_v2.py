from typing import Dict, Sequence, Union

import torch.nn.functional as F
from mmengine.model import BaseModule
from mmseg.registry import MODELS
from torch import Tensor, nn

from ...ops.adaptive_pool import adaptive_avg_pool
from .pyramid_vision_transformer import DEPTHS, SpatialReductionAttention, arch
from .token_pyramid import Grid, PatchEmbedding, TokenPyramid, draw_convolutions, to_map, to_tokens

POOLED = 7  # cells a side that linear attention asks, whatever the image


class LinearReductionAttention(SpatialReductionAttention):
    r"""As :class:`SpatialReductionAttention`, with :math:`x' = GELU(LN(conv_{1 \times 1}(pool_{7 \times 7}(x))))`."""

    def __init__(self, channels: int, num_heads: int):
        super().__init__(channels, num_heads, sr_ratio=1)
        self.sr = nn.Conv2d(channels, channels, 1)
        self.norm = nn.LayerNorm(channels)

    def reduce(self, x: Tensor, grid: Grid) -> Tensor:
        return F.gelu(self.norm(to_tokens(self.sr(adaptive_avg_pool(to_map(x, grid), POOLED)))))


class DepthwiseConv(BaseModule):
    """3x3, one filter a channel, on tokens."""

    def __init__(self, channels: int):
        super().__init__()
        self.dwconv = nn.Conv2d(channels, channels, 3, padding=1, groups=channels)

    def forward(self, x: Tensor, grid: Grid) -> Tensor:
        return to_tokens(self.dwconv(to_map(x, grid)))


class ConvolutionalMLP(BaseModule):
    """Linear, 3x3 depthwise convolution, GELU, linear; ``rectify`` puts a ReLU behind the first."""

    def __init__(self, channels: int, ratio: int, rectify: bool):
        super().__init__()
        self.fc1 = nn.Linear(channels, ratio * channels)
        self.dwconv = DepthwiseConv(ratio * channels)
        self.fc2 = nn.Linear(ratio * channels, channels)
        self.rectify = rectify

    def forward(self, x: Tensor, grid: Grid) -> Tensor:
        x = self.fc1(x)
        return self.fc2(F.gelu(self.dwconv(F.relu(x) if self.rectify else x, grid)))


@MODELS.register_module()
class PyramidVisionTransformerV2(TokenPyramid):
    r"""PVT v2: overlapping patches, a depthwise convolution in every MLP instead of positions.

    Paper: `PVT v2: Improved Baselines with Pyramid Vision Transformer <https://arxiv.org/abs/2106.13797>`_.

    Checked against: whai362/PVT, classification/pvt_v2.py, commit 57e2dfaa.

    Differs: attention is torch's ``scaled_dot_product_attention``: the same function. SegFormer's MiT is this network
    with ``mlp_ratios=(4, 4, 4, 4)`` throughout; 'b5' is MiT-B5.

    Args:
        arch (str | dict): 'b0' to 'b5', 'b2-li' (keys pooled to 7x7 in all stages: cost linear in the pixels), or a
            dict with embed_dims, depths, num_heads, mlp_ratios and sr_ratios, one value a stage, and linear (whether
            attention and MLP are those of 'b2-li'). Defaults to 'b0'.
        out_indices (Sequence[int]): Stages to return. Defaults to all four.
        drop_path_rate (float): Of the last block, growing linearly from 0. Defaults to 0.1, as for segmentation.
        with_cp (bool): Recompute blocks in the backward pass to save memory. Defaults to False.
        init_cfg (dict, optional): Defaults to the authors' random draw.

    Raises:
        ValueError: If ``arch`` or ``out_indices`` is not one of these, or an image is too small for a stage.

    Shape:
        - image (N, 3, H, W) -> the chosen levels, fine to coarse, at strides 4, 8, 16, 32, rounded up
    """

    archs = {
        'b0': dict(arch(DEPTHS['tiny'], (32, 64, 160, 256)), linear=False),
        'b1': dict(arch(DEPTHS['tiny']), linear=False),
        'b2': dict(arch(DEPTHS['small']), linear=False),
        'b2-li': dict(arch(DEPTHS['small']), linear=True),
        'b3': dict(arch(DEPTHS['medium']), linear=False),
        'b4': dict(arch(DEPTHS['large']), linear=False),
        'b5': dict(arch((3, 6, 40, 3), mlp_ratios=(4, 4, 4, 4)), linear=False),
    }

    def __init__(self,
                 arch: Union[str, Dict] = 'b0',
                 *,
                 out_indices: Sequence[int] = (0, 1, 2, 3),
                 drop_path_rate: float = 0.1,
                 with_cp: bool = False,
                 init_cfg: Union[dict, Sequence[dict], None] = None):
        super().__init__(
            arch, out_indices=out_indices, drop_path_rate=drop_path_rate, with_cp=with_cp, init_cfg=init_cfg)
        draw_convolutions(self)

    def build_embedding(self, stage: int) -> nn.Module:
        dims = self.arch['embed_dims']
        kernel, stride = (3, 2) if stage else (7, 4)
        return PatchEmbedding(dims[stage - 1] if stage else 3, dims[stage], kernel, stride, padding=kernel // 2)

    def build_attention(self, stage: int) -> nn.Module:
        dims, heads, ratio = (self.arch[key][stage] for key in ('embed_dims', 'num_heads', 'sr_ratios'))
        if self.arch['linear']:
            return LinearReductionAttention(dims, heads)
        return SpatialReductionAttention(dims, heads, ratio)

    def build_mlp(self, stage: int) -> nn.Module:
        return ConvolutionalMLP(
            self.arch['embed_dims'][stage], self.arch['mlp_ratios'][stage], rectify=self.arch['linear'])
