from typing import Optional, Sequence

import torch
import torch.nn.functional as F
from mmseg.registry import MODELS
from torch import Tensor, nn


@MODELS.register_module()
class WeightedCrossEntropyLoss(nn.Module):
    r"""Cross-entropy with a weight for each class, averaged over the weights of the labelled pixels.

    .. math:: L = \frac{\sum_i s_i w_{y_i} \ell_i}{\sum_i s_i w_{y_i}}, \quad \ell_i = -\log p_i(y_i)

    with :math:`s_i` from the pixel sampler of the head, 1 without one, and 0 where the label is void.
    Median-frequency balancing (SegNet, G-FRNet) and ENet's :math:`1 / \ln(1.02 + p)` are such weights.

    Paper: `ENet <https://arxiv.org/abs/1606.02147>`_, Sec. 5.2, for the latter.

    Checked against: :func:`torch.nn.functional.cross_entropy` with ``weight``.

    Differs: mmseg's ``CrossEntropyLoss(class_weight=...)`` is the same number, but cannot be used where labels hold a
    void value: 1.2 looks up the weight of class 255, and 1.4 refuses ``avg_non_ignore=True``.

    Args:
        class_weight (Sequence[float]): Weight of each class.
        loss_weight (float): Defaults to 1.0.
        loss_name (str): Defaults to ``'loss_ce'``.

    Raises:
        ValueError: If there is not one weight for each class.

    Shape:
        - logits (N, C, H, W), label (N, H, W) -> ()
    """

    def __init__(self, class_weight: Sequence[float], loss_weight: float = 1.0, loss_name: str = 'loss_ce'):
        super().__init__()
        self.class_weight, self.loss_weight, self._loss_name = class_weight, loss_weight, loss_name
        self.register_buffer('weights', weight_buffer(class_weight), persistent=False)

    def forward(self, cls_score: Tensor, label: Tensor, weight: Optional[Tensor] = None, ignore_index: int = 255,
                reduction_override: Optional[str] = None) -> Tensor:
        if reduction_override not in (None, 'mean', 'none'):
            raise ValueError(f"expected reduction_override None, 'mean' or 'none', got {reduction_override!r}")
        pixel = F.cross_entropy(cls_score, label, ignore_index=ignore_index, reduction='none')
        w = pixel_weights(cls_score, label, label != ignore_index, self.weights)
        w = w if weight is None else w * weight
        # mmseg's OHEMPixelSampler asks for single pixels, to sort them.
        return self.loss_weight * (pixel * w if reduction_override == 'none' else weighted_mean(pixel, w))

    @property
    def loss_name(self) -> str:
        return self._loss_name


# What a loss needs to weigh pixels without the host waiting for the device: no boolean indexing, no branch on a value.
def weight_buffer(class_weight: Optional[Sequence[float]]) -> Optional[Tensor]:
    """Class weights as a buffer, which moves to the device with the model and not in every step."""
    return None if class_weight is None else torch.tensor(list(class_weight), dtype=torch.float32)


def pixel_weights(cls_score: Tensor, label: Tensor, kept: Tensor, class_weights: Optional[Tensor]) -> Tensor:
    """Weight of every pixel by its class, 0 where not ``kept``, float32 or float64."""
    dtype = torch.promote_types(cls_score.dtype, torch.float32)
    if class_weights is None:
        return kept.to(dtype)
    if cls_score.shape[1] != len(class_weights):
        raise ValueError(f'expected one class_weight for each of {cls_score.shape[1]} classes, got '
                         f'{len(class_weights)}; give the loss the weights of this data set')
    return class_weights.to(dtype)[torch.where(kept, label, 0)] * kept


def weighted_mean(pixel: Tensor, weight: Tensor) -> Tensor:
    """Mean of the pixels whose weight is not 0; 0, and every parameter stays in the graph, if there are none."""
    total = weight.sum()
    return torch.where(weight > 0, pixel * weight, 0).sum() / torch.where(total > 0, total, 1)
