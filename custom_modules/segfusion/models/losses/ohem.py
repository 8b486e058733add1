import math
from typing import Optional, Sequence

import torch
import torch.nn.functional as F
from mmseg.registry import MODELS
from torch import Tensor, nn


@MODELS.register_module()
class OHEMLoss(nn.Module):
    r"""Cross-entropy over the hard pixels only: online hard example mining as SFNet trains with.

    .. math::
        L = mean_{i \in K} \ell_i, \quad K = \{i : p_i \le \max(\theta, p_{(k)})\}, \quad \ell_i = -\log p_i

    over the labelled pixels of the whole batch of one GPU, where :math:`p_i` is the probability of the true class and
    :math:`p_{(k)}` the :math:`k`-th smallest. With fewer than :math:`k` labelled pixels it is plain cross-entropy.

    Paper: `Training Region-based Object Detectors with Online Hard Example Mining
    <https://arxiv.org/abs/1604.03540>`_; for segmentation as in lxtGH/SFSegNets.

    Checked against: lxtGH/SFSegNets, loss.py ``OhemCrossEntropy2dTensor`` and ``CriterionSFNet``, commit ba475baf.

    Differs: the same number from one log-softmax and no sort. mmseg's ``OhemCrossEntropy`` has the same formula, but
    cannot be used with a plain head (its ``forward`` refuses the arguments every head passes). ``OHEMPixelSampler``
    with cross-entropy is another loss: it divides by all pixels, and multiplies ``min_kept`` by the batch size.

    Args:
        thres (float): :math:`\theta`, in (0, 1]. Defaults to 0.7.
        min_kept (int): :math:`k`, in pixels of the batch. Defaults to 100000.
        class_weight (Sequence[float], optional): Weight of each class; the mean is then over weights, as in
            :func:`torch.nn.functional.cross_entropy`. Hard pixels are chosen without it. Defaults to None.
        loss_weight (float): Defaults to 1.0.
        loss_name (str): Defaults to ``'loss_ohem'``.

    Raises:
        ValueError: If ``thres`` is not in (0, 1] or ``min_kept`` is negative.

    Shape:
        - logits (N, C, H, W), label (N, H, W) -> ()
    """

    def __init__(self,
                 thres: float = 0.7,
                 min_kept: int = 100000,
                 class_weight: Optional[Sequence[float]] = None,
                 loss_weight: float = 1.0,
                 loss_name: str = 'loss_ohem'):
        super().__init__()
        if not 0 < thres <= 1 or min_kept < 0:
            raise ValueError(f'expected 0 < thres <= 1 and min_kept >= 0, got {thres} and {min_kept}')
        self.thres, self.min_kept, self.loss_weight, self._loss_name = thres, min_kept, loss_weight, loss_name
        self.class_weight = class_weight

    def forward(self, cls_score: Tensor, label: Tensor, weight=None, ignore_index: int = 255, **kwargs) -> Tensor:
        pixel = F.cross_entropy(cls_score, label, ignore_index=ignore_index, reduction='none')
        valid = label != ignore_index
        pixel, label = pixel[valid], label[valid]
        if not pixel.numel():
            return cls_score.sum() * 0  # keeps every parameter in the graph
        # p_i <= p is loss_i >= -log p.
        hard = pixel.detach() >= -math.log(self.thres)
        if pixel.numel() > self.min_kept > int(hard.sum()):
            kth = torch.topk(pixel.detach(), self.min_kept).values[-1]
            hard = pixel.detach() >= kth
        elif pixel.numel() <= self.min_kept:
            hard = torch.ones_like(hard)
        if not hard.any():
            return cls_score.sum() * 0
        if self.class_weight is None:
            loss = pixel[hard].mean()
        else:
            w = cls_score.new_tensor(self.class_weight)[label[hard]]
            loss = (w * pixel[hard]).sum() / w.sum()
        return self.loss_weight * loss

    @property
    def loss_name(self) -> str:
        return self._loss_name
