from mmcv.cnn import ConvModule
from mmengine.model import ModuleList
from mmseg.models.decode_heads import SegformerHead
from mmseg.registry import MODELS


@MODELS.register_module()
class SegformerMLPHead(SegformerHead):
    r"""SegFormer's all-MLP head as the paper has it and the authors released it.

    .. math:: y = classify(ReLU(BN(W\,[L_1 x_1, up(L_2 x_2), up(L_3 x_3), up(L_4 x_4)])))

    Paper: `SegFormer <https://arxiv.org/abs/2105.15203>`_, Sec. 3.2.

    Checked against: NVlabs/SegFormer, commit 65fa8cfa; outputs only: its licence is non-commercial, and this is
    written from a description of its layers.

    Differs: the concatenation runs fine to coarse, as in mmseg; the converter turns the weights round. mmseg's
    ``SegformerHead`` has a norm and a ReLU behind each :math:`L_i` and can hold no released file.

    Args:
        **kwargs: Of :class:`mmseg.models.decode_heads.SegformerHead`; released: channels=256 for B0 and B1, 768 for B2
            to B5.

    Shape:
        - x_i (N, in_channels[i], H_i, W_i), fine to coarse -> logits (N, num_classes, H_1, W_1)
    """

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.convs = ModuleList(ConvModule(c, self.channels, 1, norm_cfg=None, act_cfg=None) for c in self.in_channels)
