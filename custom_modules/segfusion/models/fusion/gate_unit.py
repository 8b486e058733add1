"""G-FRNet's gate unit."""
from typing import Dict, Optional

from mmcv.cnn import build_norm_layer
from mmengine.model import BaseModule
from mmseg.registry import MODELS
from torch import Tensor, nn

from ..expose import expose


@MODELS.register_module()
class GateUnitFusion(BaseModule):
    r"""Let the coarse level decide which responses of the fine one pass: their product, normalised.

    .. math:: M = BN(F_{coarse} \cdot F_{fine})

    A response survives only where both levels have one; what the fine level confuses locally, the coarse one with its
    larger view switches off.

    Paper: `Gated Feedback Refinement Network for Dense Image Labeling <https://arxiv.org/abs/1806.11266>`_, Sec. 4.2.
    Checked against: mrochan/gfrnet, models/camvid/test_camvid_gate.prototxt, e7fa63e8.
    Differs: from the paper's text, like the release: no ReLU before the product. The convolutions that bring both
    levels to one width belong to the head.

    Exposes ``response``, the result: a product has no share that passes.

    Args:
        channels (int): Channels of both levels.
        norm_cfg (dict, optional): Defaults to BN; None for the plain product.

    Shape:
        - coarse (N, C, H, W), fine (N, C, H, W) -> (N, C, H, W)
    """

    def __init__(self,
                 channels: int,
                 *,
                 norm_cfg: Optional[Dict] = dict(type='BN'),
                 init_cfg: Optional[Dict] = None):
        super().__init__(init_cfg)
        self.norm = nn.Identity() if norm_cfg is None else build_norm_layer(norm_cfg, channels)[1]

    def forward(self, coarse: Tensor, fine: Tensor) -> Tensor:
        merged = self.norm(coarse * fine)
        expose(self, response=merged)
        return merged
