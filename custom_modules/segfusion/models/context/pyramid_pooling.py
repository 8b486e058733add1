from typing import Sequence

import torch
from mmcv.cnn import ConvModule
from mmengine.dist import is_distributed
from mmengine.model import BaseModule
from mmseg.models.utils import resize
from mmseg.registry import MODELS
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from ...ops import adaptive_avg_pool, conv_module_of_resized


@MODELS.register_module()
class PyramidPoolingContext(BaseModule):
    r"""Describe the scene by its averages over grids of a few cells (PSPNet's pyramid pooling module).

    .. math:: y = \phi\big([x, up(\psi_1(pool_{1}(x))), ..., up(\psi_S(pool_S(x)))]\big)

    with 1x1 convolutions :math:`\psi_s` and a :math:`k \times k` convolution :math:`\phi`.

    Paper: `Pyramid Scene Parsing Network <https://arxiv.org/abs/1612.01105>`_, Sec. 3.2.

    Checked against: open-mmlab/mmsegmentation, ``UPerHead.psp_forward`` (defaults, bit for bit), and lxtGH/SFSegNets,
    network/nn/operators.py ``PSPModule``, commit ba475baf (``kernel_size=1, pool_act=False, dropout_ratio=0.1``).

    Differs: SFNet concatenates the input last; the order is a permutation of weights that the converter undoes.

    Args:
        in_channels (int): Channels of the input.
        channels (int): Channels of every pooled branch and of the output.
        align_corners (bool): For resizing the pooled maps.
        pool_scales (Sequence[int]): Cells a side. Defaults to (1, 2, 3, 6).
        kernel_size (int): Of :math:`\phi`, odd. Defaults to 3.
        pool_act (bool): Whether the branches have an activation. Defaults to True.
        dropout_ratio (float): Channel dropout on the output. Defaults to 0.
        norm_cfg (dict, optional): Defaults to None.
        act_cfg (dict, optional): Defaults to ReLU.

    Raises:
        ValueError: If the input has other than ``in_channels`` channels, or a single image is trained with batch norm.

    Shape:
        - x (N, in_channels, h, w) -> (N, channels, h, w)
    """

    def __init__(self,
                 in_channels: int,
                 channels: int,
                 *,
                 align_corners: bool,
                 pool_scales: Sequence[int] = (1, 2, 3, 6),
                 kernel_size: int = 3,
                 pool_act: bool = True,
                 dropout_ratio: float = 0.,
                 norm_cfg=None,
                 act_cfg=dict(type='ReLU'),
                 init_cfg=None):
        super().__init__(init_cfg)
        self.in_channels, self.align_corners, self.pool_scales = in_channels, align_corners, tuple(pool_scales)
        self.pools = nn.ModuleList(
            ConvModule(in_channels, channels, 1, norm_cfg=norm_cfg, act_cfg=act_cfg if pool_act else None)
            for _ in pool_scales)
        self.bottleneck = ConvModule(
            in_channels + len(pool_scales) * channels,
            channels,
            kernel_size,
            padding=kernel_size // 2,
            norm_cfg=norm_cfg,
            act_cfg=act_cfg)
        self.split_bottleneck = False  # as in TopDownHead
        self.dropout = nn.Dropout2d(dropout_ratio) if dropout_ratio > 0 else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        if x.shape[1] != self.in_channels:
            raise ValueError(f'PyramidPoolingContext was built with in_channels={self.in_channels}, got a map with '
                             f'{x.shape[1]} channels; set in_channels of the head to what the backbone gives')
        check_batch(self, x)
        size = x.shape[2:]
        pooled = [conv(adaptive_avg_pool(x, scale))  # (N, channels, scale, scale)
                  for scale, conv in zip(self.pool_scales, self.pools)]
        if self.split_bottleneck:
            return self.dropout(conv_module_of_resized(
                self.bottleneck, [x, *pooled], size=size, align_corners=self.align_corners))
        maps = [resize(p, size=size, mode='bilinear', align_corners=self.align_corners, warning=False) for p in pooled]
        return self.dropout(self.bottleneck(torch.cat([x, *maps], dim=1)))


def check_batch(context: nn.Module, x: Tensor) -> None:
    """Raise if a batch norm would have to normalise one number: a single image, pooled to a single cell."""
    # _BatchNorm: what mmengine makes of SyncBN on one device is no BatchNorm2d
    plain = any(isinstance(m, _BatchNorm) and m.training and not (isinstance(m, nn.SyncBatchNorm) and is_distributed())
                for m in context.pools.modules())
    if plain and x.shape[0] == 1 and 1 in context.pool_scales:
        raise ValueError(f'{type(context).__name__} pools to one cell, and batch norm in training needs more than one '
                         'value a channel: expected a batch of at least 2 images on each GPU, got 1. Raise '
                         "train_dataloader.batch_size, or use norm_cfg=dict(type='SyncBN') on several GPUs, or "
                         "dict(type='GN', num_groups=32)")
