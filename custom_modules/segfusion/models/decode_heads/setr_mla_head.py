from mmseg.models.decode_heads import SETRMLAHead
from mmseg.models.utils import Upsample
from mmseg.registry import MODELS
from torch import nn


@MODELS.register_module()
class ReleasedSETRMLAHead(SETRMLAHead):
    r"""SETR's multi-level aggregation head as the authors released it.

    .. math:: y = conv_{3 \times 3}([up_4(b_1(p_5)), ..., up_4(b_4(p_2))]), \quad
        b = (conv_{3 \times 3}, BN, ReLU) \times 2

    Paper: `Rethinking Semantic Segmentation from a Sequence-to-Sequence Perspective with Transformers
    <https://arxiv.org/abs/2012.15840>`_.

    Checked against: fudan-zvg/SETR, mmseg/models/decode_heads/vit_mla_head.py, commit 1361561f.

    Differs: mmseg's ``SETRMLAHead`` has a 1x1 classifier and one ``align_corners`` for both steps up. The released
    network classifies by 3x3, goes up 4 times with aligned corners, and then to the image without. Keys are mmseg's.

    Args:
        up_scale (int): Of the branches. Defaults to 4.
        **kwargs: Of :class:`mmseg.models.decode_heads.SETRMLAHead`.

    Shape:
        - four maps (N, in_channels[i], H, W) -> logits (N, num_classes, 4 * H, 4 * W)
    """

    def __init__(self, *, up_scale: int = 4, **kwargs):
        super().__init__(up_scale=up_scale, **kwargs)
        for branch in self.up_convs:
            branch[-1] = Upsample(scale_factor=up_scale, mode='bilinear', align_corners=True)
        self.conv_seg = nn.Conv2d(self.channels, self.out_channels, 3, padding=1)
