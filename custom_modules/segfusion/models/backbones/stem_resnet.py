"""mmseg's ResNet, with the image and the stem's map among its levels."""
from mmseg.models.backbones import ResNet
from mmseg.registry import MODELS
from torch import Tensor


@MODELS.register_module()
class StemResNet(ResNet):
    r"""ResNet that also returns its input and what its stem made of it.

    For decoders that end at the size of the image, or that add the stem's map back in (LinkNet). Weights and keys are
    those of mmseg's ``ResNet``.

    Paper: `Deep Residual Learning for Image Recognition <https://arxiv.org/abs/1512.03385>`_.
    Checked against: mmseg's ``ResNet``: the levels they share are equal bit for bit.
    Differs: nothing known.

    Args:
        **kwargs: Of :class:`mmseg.models.backbones.ResNet`.

    Shape:
        - image (N, 3, H, W) -> the image, the pooled stem map (N, 64, ceil(H / 4), ceil(W / 4)), then the stages named
          by ``out_indices``
    """

    def forward(self, x: Tensor):
        image = x
        x = self.stem(x) if self.deep_stem else self.relu(self.norm1(self.conv1(x)))
        x = self.maxpool(x)
        levels = [image, x]
        for i, name in enumerate(self.res_layers):
            x = getattr(self, name)(x)
            if i in self.out_indices:
                levels.append(x)
        return tuple(levels)
