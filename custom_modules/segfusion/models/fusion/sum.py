from mmengine.model import BaseModule
from mmseg.registry import MODELS
from torch import Tensor

from .grid import require_one_grid


@MODELS.register_module()
class SumFusion(BaseModule):
    r"""Add two aligned levels: every position of either is trusted alike.

    .. math:: F = F_{fine} + F_{coarse}

    Paper: `Feature Pyramid Networks for Object Detection <https://arxiv.org/abs/1612.03144>`_.

    Differs: nothing known.

    Raises:
        ValueError: If the levels are not on one grid.

    Shape:
        - coarse (N, C, H, W), fine (N, C, H, W) -> (N, C, H, W)
    """

    def forward(self, coarse: Tensor, fine: Tensor) -> Tensor:
        require_one_grid(self, coarse, fine)
        return fine + coarse
