from typing import Tuple

import torch
import torch.nn.functional as F
from mmcv.cnn import ConvModule
from mmengine.model import BaseModule
from mmseg.models.utils import resize
from mmseg.registry import MODELS
from torch import Tensor, nn

from ...ops import ALIGNSEG_SAMPLERS, FewChannelsConv2d, alignseg_offset, conv_module_of_resized, warp
from ..expose import expose
from .grid import require_larger_fine


@MODELS.register_module()
class DualOffsetAlign(BaseModule):
    r"""Warp *both* levels, each by its own predicted offset (AlignSeg's aligned feature aggregation, AlignFA).

    .. math::
        U = up(F_{coarse}), \quad \Delta_k = V_k * \phi(norm(W_k * [F_{fine}, U])), \quad k = 1, 2

        \hat F_{coarse}(p) = U(p + \Delta_1(p)), \quad \hat F_{fine}(p) = F_{fine}(p + \Delta_2(p))

    with 1x1 convolutions :math:`W_k` and 3x3 convolutions :math:`V_k` to two channels, which begin at zero. The
    authors' module ends with the sum of both, our ``SumFusion``.

    Paper: `AlignSeg: Feature-Aligned Segmentation Networks <https://arxiv.org/abs/2003.00872>`_, Sec. 3.2.

    Checked against: speedinghzl/AlignSeg, networks/alignseg.py ``CAB``, commit ac7582d3, with every sampler.

    Differs: the two branches are one convolution of twice the channels and one grouped one, and the coarse half of
    :math:`W_k` runs before the resize (:func:`~segfusion.ops.conv_of_resized.conv_of_resized`); equal up to
    rounding. The coarse level is resized first and warped then, as released, so it is interpolated twice.

    Convention: offsets are (dx, dy) in pixels of the fine grid; with the default sampler zero offset equals ``resize``.

    Args:
        channels (int): Channels of both levels.
        align_corners (bool): Corner convention of the resize, and of the ``'corrected'`` sampler. AlignSeg uses True.
        sampler (str): How offsets are read, see :func:`~segfusion.ops.alignseg_offset.alignseg_offset`. The
            default ``'corrected'`` is what the authors ask for in training. For their checkpoints the choice between
            ``'released'`` and ``'released_corners'`` is not recorded: take the one with the higher validation mIoU.
        norm_cfg (dict, optional): Norm before the offsets are predicted. Defaults to None.
        act_cfg (dict, optional): Defaults to LeakyReLU with slope 0.01.

    Raises:
        ValueError: If ``sampler`` is unknown or the fine level is smaller than the coarse one.

    Shape:
        - coarse (N, C, h, w), fine (N, C, H, W) -> coarse (N, C, H, W), fine (N, C, H, W)
    """

    def __init__(self,
                 channels: int,
                 *,
                 align_corners: bool,
                 sampler: str = 'corrected',
                 norm_cfg=None,
                 act_cfg=dict(type='LeakyReLU', negative_slope=0.01),
                 init_cfg=None):
        super().__init__(init_cfg)
        if sampler not in ALIGNSEG_SAMPLERS:
            raise ValueError(f'unknown sampler {sampler!r}; expected one of {", ".join(ALIGNSEG_SAMPLERS)}')
        self.align_corners, self.sampler = align_corners, sampler
        # Both branches side by side; the first half belongs to the coarse level. Its weight is over [fine, coarse].
        self.offset_reduce = ConvModule(2 * channels, 2 * channels, 1, norm_cfg=norm_cfg, act_cfg=act_cfg)
        self.offset_conv = _PairedConv(2 * channels, 4, 3, padding=1, groups=2, bias=False)
        self.offset_reduce.conv.reset_parameters()
        nn.init.zeros_(self.offset_conv.weight)

    def deltas(self, coarse: Tensor, fine: Tensor) -> Tuple[Tensor, Tensor]:
        """The predicted fields of the coarse and of the fine level, (N, 2, H, W) each, in the sampler's unit."""
        require_larger_fine(self, coarse, fine)
        x = conv_module_of_resized(
            self.offset_reduce, (fine, coarse), size=fine.shape[2:], align_corners=self.align_corners)  # (N, 2C, H, W)
        coarse_delta, fine_delta = self.offset_conv(x).chunk(2, dim=1)
        return coarse_delta, fine_delta

    def forward(self, coarse: Tensor, fine: Tensor) -> Tuple[Tensor, Tensor]:
        size = fine.shape[2:]
        offsets = []
        for delta in self.deltas(coarse, fine):
            offset, corners = alignseg_offset(delta, size, self.sampler, self.align_corners)
            offsets.append(offset)
        expose(self, offset=lambda: torch.cat(offsets, dim=1))
        if coarse.shape[2:] != size:
            coarse = resize(coarse, size=size, mode='bilinear', align_corners=self.align_corners, warning=False)
        return tuple(
            warp(x, offset, align_corners=corners, padding_mode='zeros') for x, offset in zip((coarse, fine), offsets))


class _PairedConv(FewChannelsConv2d):
    """A convolution in two groups; in training, one of all channels with zeros where a group does not look.

    oneDNN's backward of the grouped one takes four times as long on contiguous maps, more than all it spares.
    """

    def forward(self, x: Tensor) -> Tensor:
        if not torch.is_grad_enabled():
            return super().forward(x)
        first, second = self.weight.chunk(2)
        zeros = torch.zeros_like(first)
        weight = torch.cat([torch.cat([first, zeros], dim=1), torch.cat([zeros, second], dim=1)])
        return F.conv2d(x, weight, padding=self.padding)
