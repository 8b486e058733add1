"""ResNet whose first pooling rounds up, as Caffe's does."""
from mmseg.models.backbones import ResNet
from mmseg.registry import MODELS


@MODELS.register_module()
class CaffeResNet(ResNet):
    r"""mmseg's ``ResNet`` with Caffe's strides and rounding: 128 pixels give 33 cells of 4, not 32.

    Weights and keys are those of mmseg's ``ResNet``.

    Paper: `Deep Residual Learning for Image Recognition <https://arxiv.org/abs/1512.03385>`_.
    Checked against: kazuto1011/deeplab-pytorch, libs/models/resnet.py, 4219467f, whose numbers are the caffemodel's.
    Differs: nothing known.

    Args:
        depth (int): 50, 101 or 152.
        style (str): Where a block strides; 'caffe' in its first convolution. Defaults to 'caffe'.
        **kwargs: Of :class:`mmseg.models.backbones.ResNet`.

    Shape:
        - image (N, 3, H, W) -> the stages named by ``out_indices``; the first is (N, 256, h, w) with
          h = 1 + ceil((ceil(H / 2) - 1) / 2)
    """

    def __init__(self, depth: int, *, style: str = 'caffe', **kwargs):
        super().__init__(depth=depth, style=style, **kwargs)
        self.maxpool.ceil_mode = True
