import torch
import torch.nn.functional as F
from mmseg.registry import MODELS
from torch import Tensor, nn


@MODELS.register_module()
class BalancedEdgeLoss(nn.Module):
    r"""Binary cross-entropy of an edge map, edge pixels weighted by the share of the others and vice versa.

    .. math::
        L = mean_i\; \beta_{t_i} BCE(\sigma(e_i), t_i), \quad \beta_1 = \frac{\#\{t = 0\}}{\#\{t \in \{0, 1\}\}}, \quad
        \beta_0 = 1 - \beta_1

    counted over the batch of one GPU; pixels that are neither 0 nor 1 have weight 0 and stay in the mean.

    Paper: `Gated-SCNN <https://arxiv.org/abs/1907.05740>`_, Eq. 4.

    Checked against: nv-tlabs/GSCNN, edd16c5d, by its values and gradients.

    Differs: in the release :math:`e` is not a logit but the edge probability, which passes the sigmoid a second time:
    the loss then cannot fall below the one of probabilities 0.5 and 0.73. ``form='released'`` does that, ``'paper'``
    takes the probability as it is.

    Args:
        form (str): ``'released'`` or ``'paper'``. Defaults to ``'released'``.
        loss_weight (float): Defaults to 20.0, as released.
        loss_name (str): Defaults to ``'loss_edge'``.

    Raises:
        ValueError: If ``form`` is neither.

    Shape:
        - edge probability (N, 1, H, W), edge label 0, 1 or else (N, 1, H, W) -> ()
    """

    def __init__(self, form: str = 'released', loss_weight: float = 20.0, loss_name: str = 'loss_edge'):
        super().__init__()
        if form not in ('released', 'paper'):
            raise ValueError(f"form must be 'released' or 'paper', got {form!r}")
        self.form, self.loss_weight, self._loss_name = form, loss_weight, loss_name

    def forward(self, edge: Tensor, label: Tensor) -> Tensor:
        edge = edge.to(torch.promote_types(edge.dtype, torch.float32))  # counts and logarithms outgrow half precision
        positive, negative = (label == 1).to(edge), (label == 0).to(edge)
        count = (positive.sum() + negative.sum()).clamp(min=1)
        weight = positive * (negative.sum() / count) + negative * (positive.sum() / count)
        if self.form == 'released':
            loss = F.binary_cross_entropy_with_logits(edge, positive, weight)
        else:
            # Not F.binary_cross_entropy, which autocasting refuses.
            p = edge.clamp(1e-6, 1 - 1e-6)
            loss = -(weight * (positive * p.log() + (1 - positive) * (1 - p).log())).mean()
        return self.loss_weight * loss

    @property
    def loss_name(self) -> str:
        return self._loss_name
