from typing import Dict, Sequence, Tuple, Union

import torch
import torch.nn.functional as F
from mmcv.cnn import build_norm_layer
from mmengine.model import BaseModule
from mmseg.registry import MODELS
from torch import Tensor, nn

from .pyramid_vision_transformer_v2 import DepthwiseConv
from .token_pyramid import (
    Grid,
    PatchEmbedding,
    TokenPyramid,
    attend,
    draw_convolutions,
    reduce_grid,
    reduction_conv,
    split_heads,
    to_map,
    to_tokens,
)


def depthwise(channels: int) -> nn.Conv2d:
    return nn.Conv2d(channels, channels, 3, padding=1, groups=channels)


class ShuntedAttention(BaseModule):
    r"""Half of the heads ask a coarse grid, the other half one twice as fine.

    .. math:: x_i = GELU(LN(conv_{r_i}(x))), \quad r_1 = r, r_2 = r / 2, \quad [k_i, v_i] = W_i x_i, \quad
        v_i \leftarrow v_i + dw_{3 \times 3}(v_i)

    .. math:: y = W_o\,[softmax(q_1 k_1^\top / \sqrt d)\,v_1,\ softmax(q_2 k_2^\top / \sqrt d)\,v_2]
    """

    def __init__(self, channels: int, num_heads: int, sr_ratio: int):
        super().__init__()
        self.num_heads = num_heads
        self.q = nn.Linear(channels, channels)
        self.proj = nn.Linear(channels, channels)
        for i, ratio in ((1, sr_ratio), (2, sr_ratio // 2)):
            self.add_module(f'sr{i}', reduction_conv(channels, ratio))
            self.add_module(f'norm{i}', nn.LayerNorm(channels))
            self.add_module(f'kv{i}', nn.Linear(channels, channels))
            self.add_module(f'local_conv{i}', depthwise(channels // 2))

    def _keys_and_values(self, i: int, x: Tensor) -> Tuple[Tensor, Tensor]:
        """Of half the heads, from the map (N, C, H, W)."""
        x = reduce_grid(getattr(self, f'sr{i}'), x)
        grid = x.shape[2:]
        k, v = getattr(self, f'kv{i}')(F.gelu(getattr(self, f'norm{i}')(to_tokens(x)))).chunk(2, dim=2)
        v = v + to_tokens(getattr(self, f'local_conv{i}')(to_map(v, grid)))
        return tuple(split_heads(t, 1, self.num_heads // 2)[0] for t in (k, v))

    def forward(self, x: Tensor, grid: Grid) -> Tensor:
        q, = split_heads(self.q(x), 1, self.num_heads)
        x = to_map(x, grid)
        halves = [attend(half, *self._keys_and_values(i, x)) for i, half in enumerate(q.chunk(2, dim=1), 1)]
        return self.proj(torch.cat(halves, dim=2))


class LocallyEnhancedAttention(BaseModule):
    r"""Plain attention; a depthwise convolution of the values is added to what it gives.

    .. math:: y = W_o\,(softmax(q k^\top / \sqrt d)\,v + dw_{3 \times 3}(v))
    """

    def __init__(self, channels: int, num_heads: int):
        super().__init__()
        self.num_heads = num_heads
        self.q = nn.Linear(channels, channels)
        self.kv = nn.Linear(channels, 2 * channels)
        self.local_conv = depthwise(channels)
        self.proj = nn.Linear(channels, channels)

    def forward(self, x: Tensor, grid: Grid) -> Tensor:
        q, = split_heads(self.q(x), 1, self.num_heads)
        kv = self.kv(x)
        k, v = split_heads(kv, 2, self.num_heads)
        local = to_tokens(self.local_conv(to_map(kv.chunk(2, dim=2)[1], grid)))
        return self.proj(attend(q, k, v) + local)


class DetailMLP(BaseModule):
    """Linear to h, h + 3x3 depthwise convolution of h, GELU, linear."""

    def __init__(self, channels: int, ratio: int):
        super().__init__()
        self.fc1 = nn.Linear(channels, ratio * channels)
        self.dwconv = DepthwiseConv(ratio * channels)
        self.fc2 = nn.Linear(ratio * channels, channels)

    def forward(self, x: Tensor, grid: Grid) -> Tensor:
        x = self.fc1(x)
        return self.fc2(F.gelu(x + self.dwconv(x, grid)))


class ConvStem(BaseModule):
    """7x7 of stride 2, ``num_convs`` 3x3, then 2x2 of stride 2: (N, 3, H, W) -> tokens at stride 4."""

    def __init__(self, channels: int, num_convs: int, norm_cfg: dict):
        super().__init__()
        layers = []
        for i in range(num_convs + 1):
            first = dict(in_channels=3, kernel_size=7, stride=2, padding=3)
            conv = dict(in_channels=channels, kernel_size=3, padding=1) if i else first
            layers += [nn.Conv2d(out_channels=channels, bias=False, **conv), build_norm_layer(norm_cfg, channels)[1],
                       nn.ReLU(inplace=True)]
        self.conv = nn.Sequential(*layers, nn.Conv2d(channels, channels, 2, stride=2))
        self.norm = nn.LayerNorm(channels)

    def forward(self, x: Tensor) -> Tuple[Tensor, Grid]:
        x = self.conv(x)
        return self.norm(to_tokens(x)), x.shape[2:]


def arch(depths: Sequence[int], num_convs: int) -> Dict:
    return dict(embed_dims=(64, 128, 256, 512), depths=depths, num_heads=(2, 4, 8, 16), mlp_ratios=(8, 8, 4, 4),
                sr_ratios=(8, 4, 2, 1), num_convs=num_convs)


@MODELS.register_module()
class ShuntedTransformer(TokenPyramid):
    r"""A pyramid transformer whose heads see the scene at two granularities at once.

    Paper: `Shunted Self-Attention via Multi-Scale Token Aggregation <https://arxiv.org/abs/2111.15193>`_.

    Checked against: OliverRensu/Shunted-Transformer, SSA.py, commit 6861101d; outputs only: the repository has no
    licence, and this is written from a description of its layers.

    Differs: attention is torch's ``scaled_dot_product_attention``: the same function. The stem has as many channels as
    the first stage (64 in all released networks).

    The stem rounds down: stride 4 has floor(ceil(H / 2) / 2) rows.

    Args:
        arch (str | dict): 't', 's', 'b', or a dict with embed_dims, depths, num_heads, mlp_ratios, sr_ratios, one value
            a stage, and num_convs (3x3 convolutions in the stem). Defaults to 't'.
        out_indices (Sequence[int]): Stages to return. Defaults to all four.
        drop_path_rate (float): Of the last block, growing linearly from 0. Defaults to 0.1.
        with_cp (bool): Recompute blocks in the backward pass to save memory. Defaults to False.
        norm_cfg (dict): Of the stem. Defaults to BN.
        init_cfg (dict, optional): Defaults to the authors' random draw.

    Raises:
        ValueError: If ``arch`` or ``out_indices`` is not one of these, a stage cannot be halved, or an image is too
            small for a stage.

    Shape:
        - image (N, 3, H, W) -> the chosen levels, fine to coarse, at strides 4, 8, 16, 32
    """

    archs = {'t': arch((1, 2, 4, 1), 0), 's': arch((2, 4, 12, 1), 1), 'b': arch((3, 4, 24, 2), 2)}

    def __init__(self,
                 arch: Union[str, Dict] = 't',
                 *,
                 out_indices: Sequence[int] = (0, 1, 2, 3),
                 drop_path_rate: float = 0.1,
                 with_cp: bool = False,
                 norm_cfg: dict = dict(type='BN', requires_grad=True),
                 init_cfg: Union[dict, Sequence[dict], None] = None):
        self.norm_cfg = norm_cfg
        super().__init__(
            arch, out_indices=out_indices, drop_path_rate=drop_path_rate, with_cp=with_cp, init_cfg=init_cfg)
        draw_convolutions(self)

    def build_embedding(self, stage: int) -> nn.Module:
        dims = self.arch['embed_dims']
        if not stage:
            return ConvStem(dims[0], self.arch['num_convs'], self.norm_cfg)
        return PatchEmbedding(dims[stage - 1], dims[stage], kernel_size=3, stride=2, padding=1)

    def build_attention(self, stage: int) -> nn.Module:
        dims, heads, ratio = (self.arch[key][stage] for key in ('embed_dims', 'num_heads', 'sr_ratios'))
        if ratio == 1:
            return LocallyEnhancedAttention(dims, heads)
        if heads % 2 or ratio % 2:
            raise ValueError(f'stage {stage} is shared out to two grids: expected an even num_heads and sr_ratio, got '
                             f'{heads} and {ratio}')
        return ShuntedAttention(dims, heads, ratio)

    def build_mlp(self, stage: int) -> nn.Module:
        return DetailMLP(self.arch['embed_dims'][stage], self.arch['mlp_ratios'][stage])
