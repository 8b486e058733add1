from mmseg.models.backbones import STDCNet
from mmseg.registry import MODELS


@MODELS.register_module()
class ShallowSTDCNet(STDCNet):
    r"""STDC that also returns its stride-4 level, which the stock one throws away and every pyramid needs.

    Paper: `Rethinking BiSeNet For Real-time Semantic Segmentation <https://arxiv.org/abs/2104.13188>`_.

    Checked against: lxtGH/SFSegNets, network/stdcnet.py, commit ba475baf.

    Differs: nothing known from :class:`mmseg.models.STDCNet` but the number of levels.

    Args:
        stdc_type (str): ``'STDCNet1'`` (813M) or ``'STDCNet2'`` (1446M).
        norm_cfg (dict): Defaults to BN.
        **kwargs: Of :class:`mmseg.models.STDCNet`.

    Shape:
        - image (N, 3, H, W) -> maps with 64, 256, 512, 1024 channels at strides 4, 8, 16, 32
    """

    def __init__(self, stdc_type: str, *, norm_cfg: dict = dict(type='BN', requires_grad=True), **kwargs):
        super().__init__(
            stdc_type,
            in_channels=3,
            channels=(32, 64, 256, 512, 1024),
            bottleneck_type='cat',
            norm_cfg=norm_cfg,
            act_cfg=dict(type='ReLU'),
            with_final_conv=False,
            **kwargs)
        self.num_shallow_features = 1
