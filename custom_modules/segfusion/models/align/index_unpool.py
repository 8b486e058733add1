"""Line two levels up by where max pooling took its values from (SegNet)."""
from typing import Tuple

from mmengine.model import BaseModule
from mmseg.registry import MODELS
from torch import Tensor

from ...ops import max_pool_with_indices, unpool


@MODELS.register_module()
class IndexUnpool(BaseModule):
    r"""Put each coarse value on the fine pixel that won its 2x2 pooling cell; zero elsewhere.

    .. math:: y(p) = x(\lfloor p / 2 \rfloor) \cdot [p = \arg\max_{q \in cell(p)} fine(q)]

    Paper: `SegNet: A Deep Convolutional Encoder-Decoder Architecture <https://arxiv.org/abs/1511.00561>`_, Sec. 3.
    Checked against: alexgkendall/SegNet-Tutorial, Models/segnet_basic_inference.prototxt, bb68b64e, and
    ``max_unpool2d``, bit for bit.
    Differs: the indices travel as a boolean map on the fine grid, so that odd sizes need no side information.

    ``fine`` is either the pooling indices that an encoder recorded (boolean, see ``SegNetHead``), or a feature map:
    then its own maxima are used, which lets a head of plain feature levels, like ``TopDownHead``, take this aligner.

    Raises:
        ValueError: If the coarse grid is not half the fine one (rounded up), or the channels differ.

    Shape:
        - coarse (N, C, ceil(H / 2), ceil(W / 2)), fine (N, C, H, W) -> coarse (N, C, H, W), fine as it came
    """

    def forward(self, coarse: Tensor, fine: Tensor) -> Tuple[Tensor, Tensor]:
        indices = fine if not fine.is_floating_point() else max_pool_with_indices(fine)[1]
        return unpool(coarse, indices), fine
