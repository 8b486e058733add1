from mmengine.model import BaseModule
from mmseg.models.utils import resize
from mmseg.registry import MODELS
from torch import Tensor


@MODELS.register_module()
class BilinearAlign(BaseModule):
    r"""Resize the coarse map to the fine grid: the alignment of FPN, UPerNet, PSPNet and most others.

    .. math:: \hat F_{coarse} = up(F_{coarse})

    It has no parameters, and is the baseline every learned alignment is compared with.

    Paper: `Feature Pyramid Networks for Object Detection <https://arxiv.org/abs/1612.03144>`_ (there: nearest).

    Differs: nothing known from :class:`mmseg.models.UPerHead`'s top-down path.

    Args:
        align_corners (bool): See :func:`~segfusion.ops.warp.warp`.

    Shape:
        - coarse (N, C, h, w), fine (N, C, H, W) -> coarse (N, C, H, W), fine (N, C, H, W)
    """

    def __init__(self, *, align_corners: bool, init_cfg=None):
        super().__init__(init_cfg)
        self.align_corners = align_corners

    def forward(self, coarse: Tensor, fine: Tensor):
        coarse = resize(
            coarse, size=fine.shape[2:], mode='bilinear', align_corners=self.align_corners, warning=False)
        return coarse, fine
