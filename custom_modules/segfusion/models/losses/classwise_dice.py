from typing import Optional

import torch
import torch.nn.functional as F
from mmseg.registry import MODELS
from torch import Tensor, nn


@MODELS.register_module()
class ClasswiseDiceLoss(nn.Module):
    r"""Dice of every class over the whole batch, averaged over the classes.

    .. math::
        L = \frac{1}{C} \sum_c \Big( 1 - \frac{2 \sum_i p_{ic} t_{ic} + \epsilon}
        {\sum_i p_{ic}^2 + \sum_i t_{ic}^2 + \epsilon} \Big), \quad p = softmax(logits)

    over the labelled pixels :math:`i` of the batch of one GPU (those that a pixel sampler leaves in, if the head has
    one), :math:`t` the one-hot labels. A class that is not in the batch counts too: it costs what the network gives it.

    Paper: `V-Net <https://arxiv.org/abs/1606.04797>`_ for two classes; for several as in TransUNet.

    Checked against: Beckschen/TransUNet, utils.py ``DiceLoss``, 02ef0010 (by its equation; no numbers are stored).

    Differs: unlabelled pixels are left out of all sums; the release's data have none. mmseg's ``DiceLoss`` is another
    loss: one fraction for all classes of an image together, and predictions at unlabelled pixels count.

    Args:
        eps (float): :math:`\epsilon`. Defaults to 1e-5.
        loss_weight (float): Defaults to 1.0.
        loss_name (str): Defaults to ``'loss_dice'``.

    Shape:
        - logits (N, C, H, W), label (N, H, W) -> ()
    """

    def __init__(self, eps: float = 1e-5, loss_weight: float = 1.0, loss_name: str = 'loss_dice'):
        super().__init__()
        self.eps, self.loss_weight, self._loss_name = eps, loss_weight, loss_name

    def forward(self, cls_score: Tensor, label: Tensor, weight: Optional[Tensor] = None,
                ignore_index: int = 255) -> Tensor:
        valid = (label != ignore_index)[:, None]
        share = valid if weight is None else valid * weight[:, None]
        # Sums over a batch outgrow half precision.
        p = cls_score.to(torch.promote_types(cls_score.dtype, torch.float32)).softmax(dim=1) * share
        t = F.one_hot(label.masked_fill(~valid[:, 0], 0), cls_score.shape[1]).permute(0, 3, 1, 2).to(p.dtype) * share

        def total(x: Tensor) -> Tensor:
            return x.sum(dim=(0, 2, 3))

        score = (2 * total(p * t) + self.eps) / (total(p.square()) + total(t.square()) + self.eps)
        return self.loss_weight * (1 - score).mean()

    @property
    def loss_name(self) -> str:
        return self._loss_name
