from mmseg.registry import MODELS

from .top_down_head import TopDownHead, reset_convolutions


@MODELS.register_module()
class SFNetHead(TopDownHead):
    r"""SFNet: a top-down pyramid whose coarse levels are warped onto the fine ones by semantic flow.

    .. math:: F_4 = ppm(x_4), \quad F_i = l_i + warp(F_{i+1}, \Delta(l_i, F_{i+1})), \quad l_i = lateral_i(x_i)

    Paper: `Semantic Flow for Fast and Accurate Scene Parsing <https://arxiv.org/abs/2002.10120>`_.

    Checked against: lxtGH/SFSegNets, network/sfnet_resnet.py ``UperNetAlignHead``, commit ba475baf; logits, flows and
    deep supervision to float precision (tests/models/decode_heads/test_sfnet_head.py).

    Differs: as released, levels are merged by plain resizing; the paper's figure also aligns there (the authors report
    +0.3 mIoU for it, and left it out). The flow unit is that of the code, see :class:`FlowAlign`. Layers keep torch's
    default initialisation, as released, instead of mmseg's. In training the bottleneck convolves level by level,
    coarse ones before they are resized: equal up to rounding.

    Everything is :class:`TopDownHead`; this class holds the released choices: biased laterals, no dropout before the
    classifier, pyramid pooling with a 1x1 bottleneck and no activation in its branches, ``align_corners=True``.
    ``channels`` is 128 for ResNet-18, 64 for STDC and 256 for ResNet-50/101.

    Args:
        in_channels (Sequence[int]): Channels of the backbone levels at strides 4, 8, 16, 32.
        channels (int): Channels of the pyramid.
        context, align, fusion, lateral_bias, dropout_ratio, align_corners, init_cfg: As in :class:`TopDownHead`.
        **kwargs: Of :class:`TopDownHead`.

    Shape:
        - x_i (N, in_channels[i], H_i, W_i), i = 1..4 -> logits (N, num_classes, H_1, W_1)
    """

    split_in_training = True  # or backward would keep the concatenation, four maps of the finest grid

    def __init__(self,
                 in_channels,
                 channels,
                 *,
                 context=dict(type='PyramidPoolingContext', kernel_size=1, pool_act=False, dropout_ratio=0.1),
                 align=dict(type='FlowAlign'),
                 fusion=dict(type='SumFusion'),
                 lateral_bias=True,
                 dropout_ratio=0.,
                 align_corners=True,
                 init_cfg=None,
                 **kwargs):
        super().__init__(
            in_channels,
            channels,
            context=context,
            align=align,
            fusion=fusion,
            lateral_bias=lateral_bias,
            dropout_ratio=dropout_ratio,
            align_corners=align_corners,
            init_cfg=init_cfg,
            **kwargs)
        reset_convolutions(self)

    def init_weights(self):
        if self.init_cfg:
            super().init_weights()
