"""What the pyramid transformers share: stages of tokens, each ending as a map."""
import math
from typing import Dict, Mapping, Sequence, Tuple, Union

import torch.nn.functional as F
import torch.utils.checkpoint as cp
from mmcv.cnn.bricks.drop import DropPath
from mmengine.model import BaseModule
from mmengine.model.weight_init import trunc_normal_
from torch import Tensor, nn

Grid = Tuple[int, int]  # rows and columns of a map that is kept as tokens


def to_map(tokens: Tensor, grid: Grid) -> Tensor:
    """(N, H * W, C) -> (N, C, H, W)."""
    return tokens.transpose(1, 2).reshape(tokens.shape[0], -1, *grid)


def to_tokens(x: Tensor) -> Tensor:
    """(N, C, H, W) -> (N, H * W, C)."""
    return x.flatten(2).transpose(1, 2)


def split_heads(x: Tensor, parts: int, num_heads: int) -> Tuple[Tensor, ...]:
    """(N, L, parts * C) -> ``parts`` tensors (N, num_heads, L, C / num_heads)."""
    return x.unflatten(2, (parts, num_heads, -1)).permute(2, 0, 3, 1, 4).unbind(0)


def attend(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    r""":math:`softmax(q k^\top / \sqrt d)\,v`, heads side by side: (N, heads, L, d) -> (N, L, heads * d)."""
    return F.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2)


def reduction_conv(channels: int, ratio: int) -> nn.Conv2d:
    """Non-overlapping cells of ``ratio`` x ``ratio`` tokens become one; what does not fill a cell is left out."""
    return nn.Conv2d(channels, channels, ratio, stride=ratio)


def reduce_grid(conv: nn.Conv2d, x: Tensor) -> Tensor:
    """Apply a reduction to a map (N, C, H, W)."""
    ratio = conv.stride[0]
    if min(x.shape[2:]) < ratio:
        raise ValueError(f'a map of {x.shape[2]}x{x.shape[3]} is smaller than the {ratio}x{ratio} cells in which this '
                         'stage pools its keys: expected images of at least 32 pixels a side')
    return conv(x)


class TokenBlock(BaseModule):
    """Pre-norm transformer block; ``attn`` and ``mlp`` are called with (tokens, grid)."""

    def __init__(self, channels: int, attn: nn.Module, mlp: nn.Module, drop_path: float, with_cp: bool):
        super().__init__()
        self.norm1 = nn.LayerNorm(channels, eps=1e-6)
        self.attn = attn
        self.norm2 = nn.LayerNorm(channels, eps=1e-6)
        self.mlp = mlp
        self.drop_path = DropPath(drop_path)
        self.with_cp = with_cp

    def _forward(self, x: Tensor, grid: Grid) -> Tensor:
        x = x + self.drop_path(self.attn(self.norm1(x), grid))
        return x + self.drop_path(self.mlp(self.norm2(x), grid))

    def forward(self, x: Tensor, grid: Grid) -> Tensor:
        if self.with_cp and x.requires_grad:
            return cp.checkpoint(self._forward, x, grid, use_reentrant=False)
        return self._forward(x, grid)


class PatchEmbedding(BaseModule):
    """A convolution that makes tokens of a map, then a norm."""

    def __init__(self, in_channels: int, channels: int, kernel_size: int, stride: int, padding: int):
        super().__init__()
        self.proj = nn.Conv2d(in_channels, channels, kernel_size, stride=stride, padding=padding)
        self.norm = nn.LayerNorm(channels)

    def forward(self, x: Tensor) -> Tuple[Tensor, Grid]:
        x = self.proj(x)
        return self.norm(to_tokens(x)), x.shape[2:]


class TokenPyramid(BaseModule):
    """Stages K = 1, 2, ...: ``patch_embedK``, blocks ``blockK``, and a norm ``normK`` if ``stage_norms``.

    A child names its ``archs`` and builds the parts of a stage.
    """

    archs: Mapping[str, Mapping] = {}
    stage_norms = True

    def __init__(self, arch: Union[str, Dict], *, out_indices: Sequence[int], drop_path_rate: float, with_cp: bool,
                 init_cfg):
        super().__init__(init_cfg)
        self.arch = self._settings(arch)
        depths, dims = self.arch['depths'], self.arch['embed_dims']
        if not out_indices or list(out_indices) != sorted(set(out_indices) & set(range(len(depths)))):
            raise ValueError(f'out_indices must name stages 0 to {len(depths) - 1}, fine to coarse, '
                             f'got {list(out_indices)}')
        self.out_indices = tuple(out_indices)
        rates = [drop_path_rate * i / max(sum(depths) - 1, 1) for i in range(sum(depths))]
        # Stages after the last one asked for would be dead weight.
        for i in range(self.out_indices[-1] + 1):
            self.add_module(f'patch_embed{i + 1}', self.build_embedding(i))
            first = sum(depths[:i])
            self.add_module(f'block{i + 1}', nn.ModuleList(
                TokenBlock(dims[i], self.build_attention(i), self.build_mlp(i), rate, with_cp)
                for rate in rates[first:first + depths[i]]))
            if self.stage_norms:
                self.add_module(f'norm{i + 1}', nn.LayerNorm(dims[i], eps=1e-6))
        for module in self.modules():
            if isinstance(module, nn.Linear):
                trunc_normal_(module.weight, std=.02)
                nn.init.zeros_(module.bias)

    def _settings(self, arch: Union[str, Dict]) -> Dict:
        known = next(iter(self.archs.values()))
        if isinstance(arch, str):
            if arch.lower() not in self.archs:
                raise ValueError(f'{type(self).__name__} knows {", ".join(self.archs)}, got arch={arch!r}; a dict with '
                                 f'{", ".join(known)} gives any other')
            return dict(self.archs[arch.lower()])
        if set(arch) != set(known):
            raise ValueError(f'arch must be a name or a dict with {", ".join(known)}, got {", ".join(sorted(arch))}')
        stages = {key: len(value) for key, value in arch.items() if isinstance(value, (list, tuple))}
        if len(set(stages.values())) != 1:
            raise ValueError(f'arch must give one value a stage, got {stages}')
        wrong = [(d, h) for d, h in zip(arch['embed_dims'], arch['num_heads']) if d % h]
        if wrong:
            raise ValueError(f'{wrong[0][0]} channels cannot be shared out to {wrong[0][1]} heads')
        return dict(arch)

    def build_embedding(self, stage: int) -> nn.Module:
        """Map -> (tokens, grid)."""
        raise NotImplementedError

    def build_attention(self, stage: int) -> nn.Module:
        raise NotImplementedError

    def build_mlp(self, stage: int) -> nn.Module:
        raise NotImplementedError

    def with_positions(self, stage: int, x: Tensor, grid: Grid) -> Tensor:
        """Tokens as the first block of a stage gets them."""
        return x

    def forward(self, x: Tensor) -> Tuple[Tensor, ...]:
        levels = []
        for i in range(self.out_indices[-1] + 1):
            x, grid = getattr(self, f'patch_embed{i + 1}')(x)
            x = self.with_positions(i, x, grid)
            for block in getattr(self, f'block{i + 1}'):
                x = block(x, grid)
            if self.stage_norms:
                x = getattr(self, f'norm{i + 1}')(x)
            x = to_map(x, grid)
            if i in self.out_indices:
                levels.append(x)
        return tuple(levels)


def draw_convolutions(network: nn.Module) -> None:
    """He's normal draw by the fan out of a group, zero bias."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            fan_out = module.kernel_size[0] * module.kernel_size[1] * module.out_channels // module.groups
            nn.init.normal_(module.weight, std=math.sqrt(2 / fan_out))
            if module.bias is not None:
                nn.init.zeros_(module.bias)
