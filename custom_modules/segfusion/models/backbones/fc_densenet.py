"""FC-DenseNet, the "One Hundred Layers Tiramisu": a U of dense blocks in one trunk, like mmseg's UNet."""
from typing import Dict, List, Optional, Sequence

import torch
import torch.nn.functional as F
from mmcv.cnn import build_norm_layer
from mmengine.model import BaseModule
from mmseg.registry import MODELS
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

# depth -> growth rate, layers of the five dense blocks down, of the bottleneck and of the five blocks up
DEPTHS = {
    56: (12, (4, ) * 11),
    67: (16, (5, ) * 11),
    103: (16, (4, 5, 7, 10, 12, 15, 12, 10, 7, 5, 4)),
}


@MODELS.register_module()
class FCDenseNet(BaseModule):
    r"""FC-DenseNet without its classifier, a 1x1 convolution: mmseg's ``FCNHead(num_convs=0)``.

    .. math::
        h_{l+1} &= drop(W_l * ReLU(BN([h_0, ..., h_l]))) && \text{dense layer} \\
        d_{i+1} &= pool(drop(W * ReLU(BN([d_i, block_i(d_i)])))) && \text{down} \\
        u_i &= block([up(u_{i+1}), [d_i, block_i(d_i)]]) && \text{up: new maps only, but for the last block}

    Paper: `The One Hundred Layers Tiramisu: Fully Convolutional DenseNets for Semantic Segmentation
    <https://arxiv.org/abs/1611.09326>`_, Table 2.
    Checked against: bfortuner/pytorch_tiramisu, models/tiramisu.py, c1cf0796, depth 56.
    Differs: nothing known. The authors normalise with the statistics of the current batch in testing too: that is
    ``norm_cfg=dict(type='BN', track_running_stats=False)``, as in our base configs. The port's checkpoints come with
    running statistics and are tested with them (``norm_cfg=dict(type='BN')``).

    Args:
        depth (int): 56, 67 or 103.
        in_channels (int): Channels of the image. Defaults to 3.
        stem_channels (int): Defaults to 48.
        growth (int, optional): New maps of a layer. Defaults to that of ``depth``.
        block_layers (Sequence[int], optional): Layers of each block: downwards, bottleneck, upwards, so an odd number.
            Defaults to that of ``depth``.
        dropout (float): Element-wise, after every convolution of a layer or a transition down. Defaults to .2.
        with_cp (bool): Recompute the concatenations, norms and convolutions of each layer in the backward pass instead
            of keeping them. The gradients are the same; running statistics, if any, are updated twice a step. Depth
            103 on one 224x224 crop keeps 319 MiB instead of 1135 MiB for the backward pass. Defaults to False.
        norm_cfg (dict): Defaults to BN with the statistics of the batch.

    Raises:
        ValueError: If ``depth`` is unknown or an image is smaller than 2^(number of poolings), 32 pixels.

    Shape:
        - image (N, in_channels, H, W) -> the maps of the up blocks, fine to coarse; the first is
          (N, out_channels[0], H, W), the others have growth * layers channels
    """

    def __init__(self,
                 depth: int = 103,
                 in_channels: int = 3,
                 stem_channels: int = 48,
                 growth: Optional[int] = None,
                 block_layers: Optional[Sequence[int]] = None,
                 dropout: float = 0.2,
                 with_cp: bool = False,
                 norm_cfg: Dict = dict(type='BN', track_running_stats=False),
                 init_cfg: Optional[Dict] = dict(type='Kaiming', layer=['Conv2d', 'ConvTranspose2d'], mode='fan_in',
                                                 distribution='uniform')):
        super().__init__(init_cfg)
        if depth not in DEPTHS:
            raise ValueError(f'FC-DenseNet comes in depths {sorted(DEPTHS)}, got {depth}; for others give growth and '
                             'block_layers')
        growth = growth or DEPTHS[depth][0]
        layers = tuple(block_layers or DEPTHS[depth][1])
        levels = len(layers) // 2
        common = dict(norm_cfg=norm_cfg, dropout=dropout, with_cp=with_cp)
        self.stem = nn.Conv2d(in_channels, stem_channels, 3, padding=1)
        self.down_blocks, self.downs = nn.ModuleList(), nn.ModuleList()
        width, skips = stem_channels, []
        for count in layers[:levels]:
            self.down_blocks.append(DenseBlock(width, growth, count, **common))
            width += growth * count
            skips.append(width)
            self.downs.append(TransitionDown(width, norm_cfg, dropout))
        self.bottleneck = DenseBlock(width, growth, layers[levels], **common)
        self.ups, self.up_blocks, outs = nn.ModuleList(), nn.ModuleList(), []
        for below, count, skip in zip(layers[levels:], layers[levels + 1:], skips[::-1]):
            self.ups.append(nn.ConvTranspose2d(growth * below, growth * below, 3, stride=2))
            self.up_blocks.append(DenseBlock(growth * below + skip, growth, count, **common))
            outs.append(growth * count)
        outs[-1] += growth * layers[-2] + skips[0]
        self.out_channels: List[int] = outs[::-1]

    def forward(self, x: Tensor):
        smallest = 2**len(self.downs)
        if min(x.shape[2:]) < smallest:
            raise ValueError(f'FC-DenseNet halves its input {len(self.downs)} times: expected an image of at least '
                             f'{smallest}x{smallest} pixels, got {x.shape[2]}x{x.shape[3]}; use a larger crop')
        x = self.stem(x)
        skips = []
        for block, down in zip(self.down_blocks, self.downs):
            skips.append(torch.cat([x, *block(x)], dim=1))
            x = down(skips[-1])
        new, outs = self.bottleneck(x), []
        for up, block, skip in zip(self.ups, self.up_blocks, skips[::-1]):
            x = torch.cat([crop_centre(up(torch.cat(new, dim=1)), skip), skip], dim=1)
            new = block(x)
            outs.append(new)
        fine = torch.cat([x, *outs[-1]], dim=1)
        return (fine, *(torch.cat(new, dim=1) for new in outs[-2::-1]))


class DenseLayer(nn.Module):
    """Norm, ReLU, 3x3 convolution and dropout over the concatenation of all maps before it."""

    def __init__(self, in_channels: int, growth: int, norm_cfg: Dict, dropout: float, with_cp: bool):
        super().__init__()
        self.norm = build_norm_layer(norm_cfg, in_channels)[1]
        self.conv = nn.Conv2d(in_channels, growth, 3, padding=1)
        self.dropout = nn.Dropout(dropout)
        self.with_cp = with_cp

    def _new_maps(self, *maps: Tensor) -> Tensor:
        return self.conv(F.relu(self.norm(torch.cat(maps, dim=1))))

    def forward(self, maps: Sequence[Tensor]) -> Tensor:
        if self.with_cp and torch.is_grad_enabled():
            new = checkpoint(self._new_maps, *maps, use_reentrant=False)
        else:
            new = self._new_maps(*maps)
        return self.dropout(new)


class DenseBlock(nn.Module):
    """Returns the new maps of each layer, one tensor a layer, without the block's input."""

    def __init__(self, in_channels: int, growth: int, layers: int, **kwargs):
        super().__init__()
        self.layers = nn.ModuleList(DenseLayer(in_channels + i * growth, growth, **kwargs) for i in range(layers))

    def forward(self, x: Tensor) -> List[Tensor]:
        maps = [x]
        for layer in self.layers:
            maps.append(layer(maps))
        return maps[1:]


class TransitionDown(nn.Module):
    """Norm, ReLU, 1x1 convolution, dropout, 2x2 pooling."""

    def __init__(self, channels: int, norm_cfg: Dict, dropout: float):
        super().__init__()
        self.norm = build_norm_layer(norm_cfg, channels)[1]
        self.conv = nn.Conv2d(channels, channels, 1)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        return F.max_pool2d(self.dropout(self.conv(F.relu(self.norm(x)))), 2)


def crop_centre(x: Tensor, like: Tensor) -> Tensor:
    """The unpadded 3x3 transposed convolution gives 2 n + 1 pixels, which covers 2 n and 2 n + 1 alike."""
    top, left = (x.shape[2] - like.shape[2]) // 2, (x.shape[3] - like.shape[3]) // 2
    return x[..., top:top + like.shape[2], left:left + like.shape[3]]
