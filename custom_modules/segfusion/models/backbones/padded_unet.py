"""mmseg's UNet for any image size."""
import torch.nn.functional as F
from mmseg.models.backbones import UNet
from mmseg.registry import MODELS
from torch import Tensor


@MODELS.register_module()
class PaddedUNet(UNet):
    r"""Pad the image to what the poolings divide, run :class:`mmseg.models.backbones.UNet`, crop the levels.

    The stock class refuses sizes that its downsampling rate (16) does not divide, CamVid's 360 among them.

    Paper: `U-Net: Convolutional Networks for Biomedical Image Segmentation <https://arxiv.org/abs/1505.04597>`_.
    Checked against: mmseg's ``UNet``: equal bit for bit where that one runs.
    Differs: the paper crops its skips because its convolutions are unpadded; here zeros are padded right and below.

    Args:
        **kwargs: Of :class:`mmseg.models.backbones.UNet`.

    Shape:
        - image (N, C, H, W) -> levels coarse to fine, the last one (N, base_channels, H, W)
    """

    def forward(self, x: Tensor):
        rate = 1
        for stride, downsample in zip(self.strides[1:], self.downsamples):
            rate *= 2 if stride == 2 or downsample else 1
        height, width = x.shape[2:]
        levels = super().forward(F.pad(x, (0, -width % rate, 0, -height % rate)))
        whole = levels[-1].shape[2]
        return [y[..., :-(-height * y.shape[2] // whole), :-(-width * y.shape[2] // whole)] for y in levels]
