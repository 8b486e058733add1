from typing import Sequence

from mmseg.models.backbones import ResNetV1c
from mmseg.registry import MODELS


@MODELS.register_module()
class DeepStemResNet(ResNetV1c):
    r"""ResNet with three 3x3 convolutions (64-64-128) as stem, and dilation on ``conv2`` only.

    It is the ResNet of the CSAIL/MIT segmentation code that PSPNet's, SFNet's and AlignSeg's authors build on. Three
    things set it apart from :class:`mmseg.models.ResNetV1c`, and each of them has cost ports several points:

    * the stem ends in 128 channels, so the open-mmlab ``*_v1c`` weights (stem 32-32-64) cannot be loaded;
    * SFNet's ``variant='D'`` dilates every ``conv2`` of stages 3 and 4 by 2 and 4 *and keeps the strides*: the output
      stride stays 32. In a BasicBlock mmseg would dilate ``conv1`` instead;
    * AlignSeg pools with ``ceil_mode``, which adds a row and a column for even inputs (128x192 gives 33x49).

    Paper: `Deep Residual Learning for Image Recognition <https://arxiv.org/abs/1512.03385>`_.

    Checked against: lxtGH/SFSegNets, network/resnet_d.py, commit ba475baf; speedinghzl/AlignSeg, networks/alignseg.py,
    commit ac7582d3.

    Differs: nothing known.

    Args:
        depth (int): 18, 34, 50, 101 or 152.
        conv2_dilations (Sequence[int]): Dilation of ``conv2`` in the four stages. Defaults to (1, 1, 1, 1).
        strides (Sequence[int]): First stride of the four stages. Defaults to (1, 2, 2, 2).
        ceil_mode (bool): Of the max pooling. Defaults to False.
        stem_channels (int): Channels after the stem. Defaults to 128.
        norm_cfg (dict): Defaults to BN.
        **kwargs: Of :class:`mmseg.models.ResNet`, except ``dilations`` and ``contract_dilation``.

    Raises:
        ValueError: If ``conv2_dilations`` has other than one entry a stage.

    Shape:
        - image (N, 3, H, W) -> maps at strides 4, 8, 16, 32 with the strides above
    """

    def __init__(self,
                 depth: int,
                 *,
                 conv2_dilations: Sequence[int] = (1, 1, 1, 1),
                 strides: Sequence[int] = (1, 2, 2, 2),
                 ceil_mode: bool = False,
                 stem_channels: int = 128,
                 norm_cfg: dict = dict(type='BN', requires_grad=True),
                 **kwargs):
        if len(conv2_dilations) != len(strides):
            raise ValueError(f'conv2_dilations needs one entry a stage: expected {len(strides)}, '
                             f'got {list(conv2_dilations)}')
        super().__init__(
            depth=depth,
            stem_channels=stem_channels,
            strides=strides,
            dilations=(1, ) * len(strides),
            style='pytorch',
            norm_cfg=norm_cfg,
            **kwargs)
        self.maxpool.ceil_mode = ceil_mode
        for name, dilation in zip(self.res_layers, conv2_dilations):
            for block in getattr(self, name):
                # 3x3, so padding equal to the dilation keeps the size.
                block.conv2.dilation = block.conv2.padding = (dilation, dilation)
