from typing import Sequence

import torch.nn.functional as F
from mmseg.registry import MODELS
from torch import Tensor, nn


@MODELS.register_module()
class WeightedCrossEntropyLoss(nn.Module):
    r"""Cross-entropy with a weight for each class, averaged over the weights of the labelled pixels.

    .. math:: L = \frac{\sum_i w_{y_i} \ell_i}{\sum_i w_{y_i}}, \quad \ell_i = -\log p_i(y_i)

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

    def forward(self, cls_score: Tensor, label: Tensor, weight=None, ignore_index: int = 255, **kwargs) -> Tensor:
        if cls_score.shape[1] != len(self.class_weight):
            raise ValueError(f'expected one class_weight for each of {cls_score.shape[1]} classes, got '
                             f'{len(self.class_weight)}; give the loss the weights of this data set')
        valid = label != ignore_index
        if not valid.any():
            return cls_score.sum() * 0  # keeps every parameter in the graph
        w = cls_score.new_tensor(self.class_weight)
        pixel = F.cross_entropy(cls_score, label, weight=w, ignore_index=ignore_index, reduction='none')
        return self.loss_weight * pixel[valid].sum() / w[label[valid]].sum()

    @property
    def loss_name(self) -> str:
        return self._loss_name
