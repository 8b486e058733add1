"""StructToken: one learned map a class, filled in from the slices of a feature map."""
from typing import Optional, Sequence, Tuple, Union

import torch
import torch.nn.functional as F
import torch.utils.checkpoint as cp
from mmcv.cnn.bricks import DropPath
from mmengine.model import BaseModule
from mmseg.models.decode_heads.decode_head import BaseDecodeHead
from mmseg.models.utils import resize
from mmseg.registry import MODELS
from torch import Tensor, nn


class ChannelNorm(nn.LayerNorm):
    """Layer norm over the channels of a map.

    mmseg's ``LayerNorm2d`` is the same function, written out: under autocasting its sums are in half precision.

    Shape: (N, C, H, W) -> (N, C, H, W)
    """

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


class ConvMap(nn.Module):
    """1x1, norm, GELU, depthwise 3x3, norm, GELU, 1x1, norm: what queries, keys, values and outputs pass through."""

    def __init__(self, channels: int):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, 1)
        self.norm1 = ChannelNorm(channels, eps=1e-6)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, groups=channels)
        self.norm2 = ChannelNorm(channels, eps=1e-6)
        self.conv3 = nn.Conv2d(channels, channels, 1)
        self.norm3 = ChannelNorm(channels, eps=1e-6)

    def forward(self, x: Tensor) -> Tensor:
        x = F.gelu(self.norm1(self.conv1(x)))
        x = F.gelu(self.norm2(self.conv2(x)))
        return self.norm3(self.conv3(x))


class ConvFFN(nn.Module):
    """x -> GELU(x + f(x)), f widening by 4; its 3x3 convolution keeps the four channels of an input channel together.

    Norms have epsilon 1e-5, unlike all others of the method.
    """

    def __init__(self, channels: int, drop_path: float):
        super().__init__()
        wide = 4 * channels
        self.pwconv1 = nn.Conv2d(channels, wide, 1)
        self.norm1 = ChannelNorm(wide)
        self.dwconv = nn.Conv2d(wide, wide, 3, padding=1, groups=channels)
        self.norm2 = ChannelNorm(wide)
        self.pwconv2 = nn.Conv2d(wide, channels, 1)
        self.norm3 = ChannelNorm(channels)
        self.drop_path = DropPath(drop_path)

    def forward(self, x: Tensor) -> Tensor:
        y = F.gelu(self.norm1(self.pwconv1(x)))
        y = F.gelu(self.norm2(self.dwconv(y)))
        return F.gelu(x + self.drop_path(self.norm3(self.pwconv2(y))))


class SliceAttention(nn.Module):
    r"""Every map of ``tokens`` takes in the maps (slices, channels) of ``features`` that look like it.

    .. math:: K + M_o\big(softmax(M_q(K)\,M_k(F)^T / \sqrt{hw})\,M_v(F)\big)

    A slice is a vector of hw positions, so the attention is (N, C), whatever the size.
    """

    def __init__(self, tokens: int, features: int, drop_path: float):
        super().__init__()
        self.query_map = ConvMap(tokens)
        self.key_map = ConvMap(features)
        self.value_map = ConvMap(features)
        self.out_project = ConvMap(tokens)
        self.drop_path = DropPath(drop_path)

    def forward(self, tokens: Tensor, features: Tensor) -> Tensor:
        query, key, value = (m.flatten(2) for m in (self.query_map(tokens), self.key_map(features),
                                                    self.value_map(features)))
        attention = (query @ key.transpose(1, 2) * query.shape[2]**-0.5).softmax(dim=-1)  # (B, N, C)
        out = (attention @ value).view_as(tokens)
        return tokens + self.drop_path(self.out_project(out))


class PointwiseAttention(nn.Module):
    """Slice attention with a learned, fixed matrix (a 1x1 convolution) in place of the softmax."""

    def __init__(self, channels: int, drop_path: float):
        super().__init__()
        self.query_map = ConvMap(channels)
        self.attn_pw_conv = nn.Conv2d(channels, channels, 1)
        self.out_project = ConvMap(channels)
        self.drop_path = DropPath(drop_path)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.drop_path(self.out_project(self.attn_pw_conv(self.query_map(x))))


class CrossSliceBlock(BaseModule):
    """Tokens attend to the slices of the features; both pass an FFN, the features not in the last block."""

    def __init__(self, classes: int, channels: int, drop_path: float, last: bool):
        super().__init__()
        self.cross_attn = SliceAttention(classes, channels, drop_path)
        self.ffn1 = ConvFFN(classes, drop_path)
        self.ffn2 = nn.Identity() if last else ConvFFN(channels, drop_path)

    def forward(self, tokens: Tensor, features: Tensor) -> Tuple[Tensor, Tensor]:
        return self.ffn1(self.cross_attn(tokens, features)), self.ffn2(features)


class SelfSliceBlock(BaseModule):
    """Tokens and features are one stack of maps, which attends to itself."""

    def __init__(self, classes: int, channels: int, drop_path: float, last: bool):
        super().__init__()
        both = classes + channels
        self.cross_attn = SliceAttention(both, both, drop_path)
        self.ffn1 = ConvFFN(both, drop_path)

    def forward(self, tokens: Tensor, features: Tensor) -> Tuple[Tensor, Tensor]:
        x = torch.cat([tokens, features], dim=1)
        x = self.ffn1(self.cross_attn(x, x))
        return x[:, :tokens.shape[1]], x[:, tokens.shape[1]:]


class PointwiseBlock(BaseModule):
    """Tokens and features are one stack of maps, mixed by learned weights."""

    def __init__(self, classes: int, channels: int, drop_path: float, last: bool):
        super().__init__()
        both = classes + channels
        self.attn = PointwiseAttention(both, drop_path)
        self.ffn1 = ConvFFN(both, drop_path)

    def forward(self, tokens: Tensor, features: Tensor) -> Tuple[Tensor, Tensor]:
        x = self.ffn1(self.attn(torch.cat([tokens, features], dim=1)))
        return x[:, :tokens.shape[1]], x[:, tokens.shape[1]:]


class ResidualBlock(nn.Module):
    """Pre-activated residual block on the finished maps."""

    def __init__(self, channels: int):
        super().__init__()
        self.norm1 = ChannelNorm(channels, eps=1e-6)
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=1)
        self.norm2 = ChannelNorm(channels, eps=1e-6)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        y = self.conv1(F.gelu(self.norm1(x)))
        return x + self.conv2(F.gelu(self.norm2(y)))


class StructTokenHead(BaseDecodeHead):
    r"""What the three heads share: structure tokens, blocks that fill them in, a residual block.

    .. math::
        K_0 = resize(kernels), \quad F_0 = W * x, \quad (K_l, F_l) = block_l(K_{l-1}, F_{l-1}), \quad
        logits = residual(K_L)

    Paper: `StructToken: Rethinking Semantic Segmentation with Structural Prior <https://arxiv.org/abs/2203.12612>`_.

    Checked against: RockeyCoss/StructToken, struct_token/models, 2611e2d4, by its outputs.

    Differs: nothing known. The kernels are resized bicubically, with aligned corners if a side of their own grid is
    odd, as released.

    Args:
        in_channels (int): Channels of the backbone's map.
        channels (int): Channels of the features inside.
        image_size (int | tuple): Height and width of training crops, in pixels.
        patch_size (int): Pixels a position of the backbone's map. Defaults to 16.
        num_layers (int): Blocks. Defaults to 4.
        drop_path_rate (float): Of the last block; it grows linearly from 0. Defaults to 0.1.
        with_cp (bool): Recompute blocks in the backward pass to save memory. Defaults to False.
        **kwargs: Of :class:`mmseg.models.decode_heads.decode_head.BaseDecodeHead`.

    Raises:
        ValueError: If the map has other than ``in_channels`` channels.

    Shape:
        - x (N, in_channels, h, w) -> logits (N, num_classes, h, w)
    """

    block = None

    def __init__(self,
                 in_channels: int,
                 channels: int,
                 *,
                 image_size: Union[int, Sequence[int]],
                 patch_size: int = 16,
                 num_layers: int = 4,
                 drop_path_rate: float = 0.1,
                 with_cp: bool = False,
                 dropout_ratio: float = 0.,
                 init_cfg: Optional[dict] = None,
                 **kwargs):
        super().__init__(
            in_channels,
            channels,
            dropout_ratio=dropout_ratio,
            init_cfg=init_cfg or [
                dict(type='Kaiming', layer='Conv2d', mode='fan_in'),
                dict(type='Constant', val=1, layer='LayerNorm')
            ],
            **kwargs)
        height, width = (image_size, image_size) if isinstance(image_size, int) else image_size
        classes = self.out_channels
        self.with_cp = with_cp
        self.kernels = nn.Parameter(torch.zeros(1, classes, height // patch_size, width // patch_size))
        nn.init.trunc_normal_(self.kernels, std=0.02)
        self.dec_proj = nn.Conv2d(in_channels, channels, 1)
        last = num_layers - 1
        self.layers = nn.ModuleList(
            self.block(classes, channels, drop_path_rate * i / max(last, 1), last=i == last)
            for i in range(num_layers))
        self.residual_block = ResidualBlock(classes)
        self.conv_seg = nn.Identity()  # the tokens are class maps already

    def tokens(self, size: Sequence[int]) -> Tensor:
        """The learned maps on a grid of this size, (1, num_classes, H, W)."""
        own = self.kernels.shape[2:]
        if tuple(own) == tuple(size) and not torch.jit.is_tracing():  # a trace would keep the example's answer
            return self.kernels
        return resize(
            self.kernels, size=size, mode='bicubic', align_corners=any(n % 2 for n in own), warning=False)

    def forward(self, inputs: Sequence[Tensor]) -> Tensor:
        x = self._transform_inputs(inputs)
        if x.shape[1] != self.in_channels:
            raise ValueError(f'{type(self).__name__} was built with in_channels={self.in_channels}, got a map with '
                             f'{x.shape[1]} channels; set in_channels of the head to what the backbone gives')
        tokens = self.tokens(x.shape[2:]).repeat(len(x), 1, 1, 1)
        features = self.dec_proj(x)
        for layer in self.layers:
            if self.with_cp and features.requires_grad:
                tokens, features = cp.checkpoint(layer, tokens, features, use_reentrant=False)
            else:
                tokens, features = layer(tokens, features)
        return self.cls_seg(self.residual_block(tokens))


@MODELS.register_module()
class CrossSliceStructTokenHead(StructTokenHead):
    r"""StructToken, cross-slice extraction (CSE): class maps attend to the slices of the features.

    .. math:: K \leftarrow FFN_1\big(attend(K;\ F, F)\big), \quad F \leftarrow FFN_2(F)

    See :class:`StructTokenHead` for paper, arguments and shapes.
    """

    block = CrossSliceBlock


@MODELS.register_module()
class SelfSliceStructTokenHead(StructTokenHead):
    r"""StructToken, self-slice extraction (SSE): class maps and features attend to each other in one stack.

    .. math:: [K, F] \leftarrow FFN\big(attend([K, F];\ [K, F], [K, F])\big)

    See :class:`StructTokenHead` for paper, arguments and shapes.
    """

    block = SelfSliceBlock


@MODELS.register_module()
class PointwiseStructTokenHead(StructTokenHead):
    r"""StructToken, point-wise extraction (PWE): learned weights mix class maps and features.

    .. math:: [K, F] \leftarrow FFN\big([K, F] + M_o(W * M_q([K, F]))\big)

    See :class:`StructTokenHead` for paper, arguments and shapes.
    """

    block = PointwiseBlock
