import math
from typing import Optional, Sequence

import torch
import torch.nn.functional as F
from mmseg.registry import MODELS
from torch import Tensor, nn

from .weighted_cross_entropy import pixel_weights, weight_buffer, weighted_mean


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

    Differs: the same number from one log-softmax, with neither a sort nor a wait for the device. mmseg's
    ``OhemCrossEntropy`` has the same formula, but cannot be used with a plain head (its ``forward`` refuses the
    arguments every head passes). ``OHEMPixelSampler`` with cross-entropy is another loss: it divides by all pixels, and
    multiplies ``min_kept`` by the batch size.

    Args:
        thres (float): :math:`\theta`, in (0, 1]. Defaults to 0.7.
        min_kept (int): :math:`k`, in pixels of the batch. Defaults to 100000.
        class_weight (Sequence[float], optional): Weight of each class; the mean is then over weights, as in
            :func:`torch.nn.functional.cross_entropy`. Hard pixels are chosen without it. Defaults to None.
        loss_weight (float): Defaults to 1.0.
        loss_name (str): Defaults to ``'loss_ohem'``.

    Raises:
        ValueError: If ``thres`` is not in (0, 1], ``min_kept`` is negative, there is not one weight for each class, or
            a pixel sampler wants to choose, too.

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
        self.register_buffer('weights', weight_buffer(class_weight), persistent=False)

    def forward(self, cls_score: Tensor, label: Tensor, weight: Optional[Tensor] = None, ignore_index: int = 255,
                reduction_override: Optional[str] = None) -> Tensor:
        if weight is not None or reduction_override is not None:
            raise ValueError(f'{type(self).__name__} chooses its pixels itself: expected a head without pixel sampler, '
                             'got the request of one; remove sampler= of the head, or take another loss_decode')
        pixel = F.cross_entropy(cls_score, label, ignore_index=ignore_index, reduction='none')
        kept = label != ignore_index
        if self.min_kept < pixel.numel():
            hardness = torch.where(kept, pixel.detach(), -math.inf)
            bound = -math.log(self.thres)  # p_i <= p is loss_i >= -log p
            if self.min_kept:  # -inf with fewer labelled pixels than that: then all of them are hard
                bound = hardness.flatten().topk(self.min_kept, sorted=False).values.amin().clamp(max=bound)
            kept = kept & (hardness >= bound)
        return self.loss_weight * weighted_mean(pixel, pixel_weights(cls_score, label, kept, self.weights))

    @property
    def loss_name(self) -> str:
        return self._loss_name
