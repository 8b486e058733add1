"""Line two levels up by where the responses were before down-sampling: no parameters, nothing to repair."""
from typing import Tuple

import torch
from mmengine.model import BaseModule
from mmseg.registry import MODELS
from torch import Tensor

from ...ops import recorded_displacement, warp
from ..expose import expose


@MODELS.register_module()
class RecordedAlign(BaseModule):
    r"""Put each coarse value back where its response came from: SegNet's indices made sub-pixel and dense.

    .. math::
        \hat F(p) = F_{coarse}\big(s(p - D(p))\big), \quad D_0 = 0, \quad D_{k+1}(p) = d\big(s(p - D_k(p))\big)

    where :math:`d(c)`, on the coarse grid, is the displacement recorded in the window of cell c: the energy-weighted
    mean position of the response, relative to the window's middle (:func:`~segfusion.ops.recorded_displacement`),
    and :math:`s` maps fine to coarse pixels. A value that came from :math:`P(c) + d(c)` has to be found there, so
    :math:`D` solves :math:`D(p) = d(s(p - D(p)))`; :math:`D_1` is the up-sampled field, and further steps follow it
    where it varies.

    The energy is, for a feature map, the mean square of its channels, and for pooling indices, the share of the
    channels whose maximum was there. Feature maps work in any head (``TopDownHead``, ``SFNetHead``: the lateral map is
    then both what is fused and what tells the position). Pooling indices are what an encoder recorded at its own
    pooling (``SegNetHead`` with ``VGGEncoder`` or ``SegNetBasicEncoder``).

    Paper: none; our own proposal, to ask whether a displacement recorded when it happens beats one repaired afterwards.

    Checked against: a loop over cells in float64 (tests/models/align/test_recorded.py); with ``temperature=0`` and one
    channel, the positions are those of ``max_pool2d(return_indices=True)``.

    Limits: one field for all channels, where SegNet has one index a channel: channels that respond at different places
    of one window are averaged. The field knows where the fine level responds, not which of its responses made the
    coarse value. A displacement is at most half a coarse cell; what a deep level lost over its whole receptive field is
    beyond it. Strided convolutions record nothing, so without pooling indices the position is inferred from the fine
    map that is there at fusion.

    Convention: offsets are (dx, dy) in pixels of the fine grid; a uniform energy equals ``resize``.

    Args:
        align_corners (bool): Corner convention of the resize and of the warp.
        temperature (float): Of the soft argmax over log energy: 1 is the centroid, 0 the argmax. Defaults to 0.5.
        steps (int): Of the fixed-point iteration, at least 1. Defaults to 2.

    Raises:
        ValueError: If the fine level is smaller than the coarse one, or an argument is out of range.

    Shape:
        - coarse (N, C, h, w), fine (N, C', H, W) features or bool -> coarse (N, C, H, W), fine as it came
    """

    def __init__(self,
                 *,
                 align_corners: bool,
                 temperature: float = 0.5,
                 steps: int = 2,
                 init_cfg=None):
        super().__init__(init_cfg)
        if temperature < 0 or steps < 1:
            raise ValueError(f'expected temperature >= 0 and steps >= 1, got {temperature} and {steps}')
        self.align_corners, self.temperature, self.steps = align_corners, temperature, steps

    def displacement(self, coarse: Tensor, fine: Tensor) -> Tensor:
        """Where the response of each coarse cell was, (dx, dy) in fine pixels, (N, 2, h, w)."""
        exact = torch.float64 if fine.dtype == torch.float64 else torch.float32
        energy = fine.to(exact).square().mean(1)  # (N, H, W)
        return recorded_displacement(
            energy, coarse.shape[2:], align_corners=self.align_corners, temperature=self.temperature)

    def forward(self, coarse: Tensor, fine: Tensor) -> Tuple[Tensor, Tensor]:
        displacement = self.displacement(coarse, fine)
        offset = displacement.new_zeros(len(fine), 2, *fine.shape[2:])
        for _ in range(self.steps):
            offset = -warp(displacement, offset, align_corners=self.align_corners)
        expose(self, offset=offset)
        return warp(coarse, offset, align_corners=self.align_corners), fine

    def extra_repr(self) -> str:
        return f'temperature={self.temperature}, steps={self.steps}, align_corners={self.align_corners}'
