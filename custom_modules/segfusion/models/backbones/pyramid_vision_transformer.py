from typing import Dict, Sequence, Union

import torch
import torch.nn.functional as F
from mmengine.model import BaseModule
from mmengine.model.weight_init import trunc_normal_
from mmseg.registry import MODELS
from torch import Tensor, nn

from .token_pyramid import (
    Grid,
    PatchEmbedding,
    TokenPyramid,
    attend,
    reduce_grid,
    reduction_conv,
    split_heads,
    to_map,
    to_tokens,
)

# Depths that both versions share.
DEPTHS = dict(tiny=(2, 2, 2, 2), small=(3, 4, 6, 3), medium=(3, 4, 18, 3), large=(3, 8, 27, 3))


def arch(depths: Sequence[int], embed_dims: Sequence[int] = (64, 128, 320, 512), mlp_ratios=(8, 8, 4, 4)) -> Dict:
    return dict(
        embed_dims=embed_dims, depths=depths, num_heads=(1, 2, 5, 8), mlp_ratios=mlp_ratios, sr_ratios=(8, 4, 2, 1))


class SpatialReductionAttention(BaseModule):
    r"""Every token asks a grid that is ``sr_ratio`` times coarser.

    .. math:: x' = LN(conv_{r \times r, stride\ r}(x)), \quad
        y = W_o\,softmax(W_q x\,(W_k x')^\top / \sqrt d)\,W_v x'      (r = 1: x' = x)
    """

    def __init__(self, channels: int, num_heads: int, sr_ratio: int):
        super().__init__()
        self.num_heads = num_heads
        self.q = nn.Linear(channels, channels)
        self.kv = nn.Linear(channels, 2 * channels)
        self.proj = nn.Linear(channels, channels)
        self.sr = None
        if sr_ratio > 1:
            self.sr = reduction_conv(channels, sr_ratio)
            self.norm = nn.LayerNorm(channels)

    def reduce(self, x: Tensor, grid: Grid) -> Tensor:
        """What is asked, (N, L', C)."""
        return x if self.sr is None else self.norm(to_tokens(reduce_grid(self.sr, to_map(x, grid))))

    def forward(self, x: Tensor, grid: Grid) -> Tensor:
        q, = split_heads(self.q(x), 1, self.num_heads)
        k, v = split_heads(self.kv(self.reduce(x, grid)), 2, self.num_heads)
        return self.proj(attend(q, k, v))


class MLP(BaseModule):
    """Linear, GELU, linear."""

    def __init__(self, channels: int, ratio: int):
        super().__init__()
        self.fc1 = nn.Linear(channels, ratio * channels)
        self.fc2 = nn.Linear(ratio * channels, channels)

    def forward(self, x: Tensor, grid: Grid) -> Tensor:
        return self.fc2(F.gelu(self.fc1(x)))


@MODELS.register_module()
class PyramidVisionTransformer(TokenPyramid):
    r"""PVT v1: a transformer of four stages whose keys and values are pooled, with learned positions a stage.

    Paper: `Pyramid Vision Transformer <https://arxiv.org/abs/2102.12122>`_.

    Checked against: whai362/PVT, segmentation/pvt.py, commit 57e2dfaa.

    Differs: positions are resized wherever the grid differs from that of the file. The released code compares the
    number of tokens only: another grid of 3136 tokens in any stage takes them as they are (196x256 pixels: wrong
    order; 448x448: crash). Attention is torch's ``scaled_dot_product_attention``: the same function.

    Grids are rounded down (patches have no padding): 360x480 gives 90, 45, 22, 11 rows. Give the data preprocessor
    ``test_cfg=dict(size_divisor=32)`` where rows must not be stretched.

    Args:
        arch (str | dict): 'tiny', 'small', 'medium', 'large', or a dict with embed_dims, depths, num_heads, mlp_ratios
            and sr_ratios, one value a stage. Defaults to 'tiny'.
        pretrain_img_size (int): Side of the images, in pixels, that the positions are stored for; a multiple of 32.
            Defaults to 224.
        out_indices (Sequence[int]): Stages to return. Defaults to all four.
        drop_path_rate (float): Of the last block, growing linearly from 0. Defaults to 0.1, as for segmentation.
        with_cp (bool): Recompute blocks in the backward pass to save memory. Defaults to False.
        init_cfg (dict, optional): Defaults to the authors' random draw.

    Raises:
        ValueError: If ``arch`` or ``out_indices`` is not one of these, or an image is too small for a stage.

    Shape:
        - image (N, 3, H, W) -> the chosen levels, fine to coarse, at strides 4, 8, 16, 32, rounded down
    """

    archs = {name: arch(depths) for name, depths in DEPTHS.items()}
    stage_norms = False  # ImageNet's norm before the classifier is not part of the pyramid

    def __init__(self,
                 arch: Union[str, Dict] = 'tiny',
                 *,
                 pretrain_img_size: int = 224,
                 out_indices: Sequence[int] = (0, 1, 2, 3),
                 drop_path_rate: float = 0.1,
                 with_cp: bool = False,
                 init_cfg: Union[dict, Sequence[dict], None] = None):
        super().__init__(
            arch, out_indices=out_indices, drop_path_rate=drop_path_rate, with_cp=with_cp, init_cfg=init_cfg)
        if pretrain_img_size < 32 or pretrain_img_size % 32:
            raise ValueError(f'pretrain_img_size must be a multiple of 32, got {pretrain_img_size}')
        self.sides = [pretrain_img_size // 4 // 2**i for i in range(self.out_indices[-1] + 1)]
        for i, side in enumerate(self.sides):
            position = nn.Parameter(torch.zeros(1, side**2, self.arch['embed_dims'][i]))
            self.register_parameter(f'pos_embed{i + 1}', trunc_normal_(position, std=.02))

    def build_embedding(self, stage: int) -> nn.Module:
        dims, patch = self.arch['embed_dims'], 2 if stage else 4
        return PatchEmbedding(dims[stage - 1] if stage else 3, dims[stage], patch, stride=patch, padding=0)

    def build_attention(self, stage: int) -> nn.Module:
        return SpatialReductionAttention(*(self.arch[key][stage] for key in ('embed_dims', 'num_heads', 'sr_ratios')))

    def build_mlp(self, stage: int) -> nn.Module:
        return MLP(self.arch['embed_dims'][stage], self.arch['mlp_ratios'][stage])

    def with_positions(self, stage: int, x: Tensor, grid: Grid) -> Tensor:
        side = self.sides[stage]
        positions = to_map(getattr(self, f'pos_embed{stage + 1}'), (side, side))
        # Also where the grid is the stored one: nothing changes then, and an export holds for every size.
        return x + to_tokens(F.interpolate(positions, size=tuple(grid), mode='bilinear', align_corners=False))

    def _load_from_state_dict(self, state_dict, prefix, *args, **kwargs) -> None:
        # The authors' files have the class token's position first, in the coarsest stage.
        key = f'{prefix}pos_embed4'
        if key in state_dict and len(self.sides) == 4 and state_dict[key].shape[1] == self.sides[3]**2 + 1:
            state_dict[key] = state_dict[key][:, 1:]
        super()._load_from_state_dict(state_dict, prefix, *args, **kwargs)
