from typing import Optional

import torch
import torch.nn.functional as F
from mmseg.registry import MODELS
from torch import Tensor, nn


@MODELS.register_module()
class ImageWeightedCrossEntropyLoss(nn.Module):
    r"""Cross-entropy with class weights from the labels of each image, summed over the images of a batch.

    .. math::
        L = \sum_n \frac{\sum_{i \in n} w^n_{y_i} \ell_i}{\sum_{i \in n} w^n_{y_i}}, \quad
        w^n_c = 1 + [f^n_c > 0]\,(1 - f^n_c)

    with :math:`f^n_c` the share of class c among the labelled pixels of image n (a pixel sampler's weights multiply
    :math:`w`): classes that are rare in an image
    weigh almost twice as much as one that fills it.

    Paper: `Gated-SCNN <https://arxiv.org/abs/1907.05740>`_, its released form.

    Checked against: nv-tlabs/GSCNN, edd16c5d, by its values and gradients.

    Differs: an image without a labelled pixel adds nothing, where the release divides by zero. The sum over images
    makes the loss grow with the batch, as released: divide ``loss_weight`` by the batch size of a GPU for a mean.

    Args:
        loss_weight (float): Defaults to 1.0.
        loss_name (str): Defaults to ``'loss_ce'``.

    Shape:
        - logits (N, C, H, W), label (N, H, W) -> ()
    """

    def __init__(self, loss_weight: float = 1.0, loss_name: str = 'loss_ce'):
        super().__init__()
        self.loss_weight, self._loss_name = loss_weight, loss_name

    def forward(self, cls_score: Tensor, label: Tensor, weight: Optional[Tensor] = None,
                ignore_index: int = 255) -> Tensor:
        cls_score = cls_score.to(torch.promote_types(cls_score.dtype, torch.float32))  # counts outgrow half precision
        pixel = F.cross_entropy(cls_score, label, ignore_index=ignore_index, reduction='none').flatten(1)
        kept = (label != ignore_index).flatten(1)
        truth = torch.where(kept, label.flatten(1), 0)
        # Class by class: boolean indexing, or bincount, would make the host wait for the device in every image.
        count = torch.stack([((truth == c) & kept).sum(1) for c in range(cls_score.shape[1])], 1)  # (N, C)
        share = count.to(pixel.dtype) / kept.sum(1, keepdim=True).clamp(min=1)
        w = (1 + (share > 0) * (1 - share)).gather(1, truth) * kept
        w = w if weight is None else w * weight.flatten(1)
        total = w.sum(1)
        return self.loss_weight * ((pixel * w).sum(1) / torch.where(total > 0, total, 1)).sum()

    @property
    def loss_name(self) -> str:
        return self._loss_name
