from typing import Tuple

import torch
from mmengine.model import BaseModule
from mmseg.models.utils import resize
from mmseg.registry import MODELS
from torch import Tensor, nn
from torchvision.ops import deform_conv2d

from ...ops import deform_conv_by_warps, full_precision, prefers_warps
from ..expose import expose
from .grid import require_larger_fine


@MODELS.register_module()
class DeformableAlign(BaseModule):
    r"""Line the coarse map up by a deformable convolution whose taps both levels place.

    .. math::
        \hat F_{coarse}(p) = \sum_k W_k\,m_k(p)\,up(F_{coarse})\big(p + k + \Delta_k(p)\big), \quad
        [\Delta, m'] = W_o * [up(F_{coarse}), F_{fine}], \quad m = 2\sigma(m')

    Every tap :math:`k` has its own offset, where flow alignment moves all of them together. The predictor starts at
    zero, so training starts from a plain :math:`k \times k` convolution of the resized map.

    Paper: `Deformable ConvNets v2 <https://arxiv.org/abs/1811.11168>`_; as an aligner of levels, `FaPN
    <https://arxiv.org/abs/2108.07058>`_.

    Checked against: a plain convolution at zero offset and a shifted one at a constant offset
    (tests/models/align/test_deformable.py); not against a released network.

    Differs: DCNv2's mask is :math:`\sigma(m')`, which starts at one half; ours starts at one. FaPN also weighs the
    fine level's channels first; here that is the fusion's business. Offsets are of torchvision's kernel, (dy, dx) for
    each tap, in pixels of the fine grid; the exposed ``offset`` is the middle tap's, (dx, dy). The convolution runs in
    float32 under autocast, like every sampling here.

    Args:
        channels (int): Channels of both levels.
        align_corners (bool): Corner convention of the resize.
        kernel_size (int): Odd. Defaults to 3.
        modulated (bool): Whether each tap has a mask (v2). Defaults to True.

    Raises:
        ValueError: If ``kernel_size`` is even, or the fine level is smaller than the coarse one.

    Shape:
        - coarse (N, C, h, w), fine (N, C, H, W) -> coarse (N, C, H, W), fine (N, C, H, W)
    """

    def __init__(self,
                 channels: int,
                 *,
                 align_corners: bool,
                 kernel_size: int = 3,
                 modulated: bool = True,
                 init_cfg=None):
        super().__init__(init_cfg)
        if not kernel_size % 2:
            raise ValueError(f'kernel_size must be odd, so that a tap lies on the pixel itself, got {kernel_size}')
        self.align_corners, self.modulated = align_corners, modulated
        self.taps, self.padding = kernel_size**2, kernel_size // 2
        self.offset_conv = nn.Conv2d(
            2 * channels, (3 if modulated else 2) * self.taps, kernel_size, padding=self.padding)
        self.conv = nn.Conv2d(channels, channels, kernel_size, padding=self.padding, bias=False)
        self.reset_offsets()

    def reset_offsets(self) -> None:
        """Start at zero offset."""
        nn.init.zeros_(self.offset_conv.weight)
        nn.init.zeros_(self.offset_conv.bias)

    def init_weights(self) -> None:
        super().init_weights()
        if not self.init_cfg:
            self.reset_offsets()

    def forward(self, coarse: Tensor, fine: Tensor) -> Tuple[Tensor, Tensor]:
        size = fine.shape[2:]
        require_larger_fine(self, coarse, fine)
        coarse = resize(coarse, size=size, mode='bilinear', align_corners=self.align_corners, warning=False)
        places = self.offset_conv(torch.cat([coarse, fine], dim=1))  # (N, 2 or 3 times taps, H, W)
        exact = coarse.dtype if coarse.dtype == torch.float64 else torch.float32
        with full_precision(coarse.device):
            offset = places[:, :2 * self.taps].to(exact)
            middle = self.taps // 2 * 2
            expose(self, offset=offset[:, [middle + 1, middle]])
            mask = 2 * places[:, 2 * self.taps:].to(exact).sigmoid() if self.modulated else None
            x, weight = coarse.to(exact), self.conv.weight.to(exact)
            if prefers_warps(x, offset, weight):
                moved = deform_conv_by_warps(x, offset, weight, mask)
            else:
                moved = deform_conv2d(x, offset, weight, padding=self.padding, mask=mask)
        return moved.to(coarse.dtype), fine
