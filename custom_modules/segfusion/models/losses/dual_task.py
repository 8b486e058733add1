from typing import Optional

import torch
import torch.nn.functional as F
from mmseg.registry import MODELS
from torch import Tensor, nn


def triangle_filter(x: Tensor, radius: int) -> Tensor:
    """Smooth every map by a separable triangle of half width ``radius`` + 1; the border is mirrored.

    Shape: (N, C, H, W) -> (N, C, H, W); sides must be larger than ``radius``.
    """
    ramp = torch.arange(1, radius + 2, dtype=x.dtype, device=x.device)
    kernel = torch.cat([ramp, ramp[:-1].flip(0)]) / (radius + 1)**2
    maps = x.flatten(0, 1)[:, None]
    maps = F.conv2d(F.pad(maps, (radius, radius, radius, radius), mode='reflect'), kernel.view(1, 1, 1, -1))
    return F.conv2d(maps, kernel.view(1, 1, -1, 1)).view_as(x)


def gradient_magnitude(x: Tensor) -> Tensor:
    r"""Central differences :math:`|\nabla x|`, one-sided at the border; its own gradient is 0 where it is 0.

    Shape: (N, C, H, W) -> (N, C, H, W); sides must be at least 2.
    """
    down, right = torch.gradient(x, dim=(2, 3))
    squared = down.square() + right.square()
    flat = squared == 0
    return torch.where(flat, squared, squared.masked_fill(flat, 1).sqrt())


@MODELS.register_module()
class DualTaskLoss(nn.Module):
    r"""The boundaries of the predicted classes shall be those of the labels (GSCNN's dual task regulariser).

    .. math::
        L = \frac{1}{2} \sum_{z \in \{p, y\}} mean_{G(z) \ge \theta} |G(p) - G(y)|, \quad
        p = softmax\big((logits + g) / \tau\big)

    with Gumbel noise :math:`g = -\log(-\log u)` and one-hot labels :math:`y`. Ignored pixels have logits 0 and label
    0 on both sides.

    * ``form='paper'``: :math:`G(z) = |\nabla(T * z)| / \sqrt 2`, T a triangle filter: a boundary map of each class.
    * ``form='released'``: :math:`G(z) = \sqrt{2 z^2 + 10^{-6}} / \max`, the maximum over the whole batch. The release
      means the above, but its filter and its differences return their input: what is left compares probabilities with
      labels, and no boundary is in it.

    Paper: `Gated-SCNN <https://arxiv.org/abs/1907.05740>`_, Eqs. 5 to 8.

    Checked against: nv-tlabs/GSCNN, edd16c5d, by its values and gradients (``form='released'``).

    Differs: the paper's form has no public numbers. The radius of its filter is ours.

    Args:
        form (str): ``'released'`` or ``'paper'``. Defaults to ``'released'``.
        temperature (float): :math:`\tau`. Defaults to 0.5.
        threshold (float): :math:`\theta`. Defaults to 1e-8.
        radius (int): Of the triangle filter, in pixels. Defaults to 4.
        noise (bool): Whether to draw Gumbel noise. Defaults to True.
        loss_weight (float): Defaults to 1.0.
        loss_name (str): Defaults to ``'loss_dual'``.

    Raises:
        ValueError: If ``form`` is neither.

    Shape:
        - logits (N, C, H, W), label (N, H, W), optionally uniform noise in (0, 1) (N, C, H, W) -> ()
    """

    def __init__(self,
                 form: str = 'released',
                 temperature: float = 0.5,
                 threshold: float = 1e-8,
                 radius: int = 4,
                 noise: bool = True,
                 loss_weight: float = 1.0,
                 loss_name: str = 'loss_dual'):
        super().__init__()
        if form not in ('released', 'paper'):
            raise ValueError(f"form must be 'released' or 'paper', got {form!r}")
        self.form, self.temperature, self.threshold, self.radius = form, temperature, threshold, radius
        self.noise, self.loss_weight, self._loss_name = noise, loss_weight, loss_name

    def boundaries(self, z: Tensor) -> Tensor:
        """G(z)."""
        if self.form == 'released':
            g = torch.sqrt(2 * z.square() + 1e-6)
            return g / g.max()
        return gradient_magnitude(triangle_filter(z, self.radius)) / 2**0.5

    def forward(self,
                cls_score: Tensor,
                label: Tensor,
                uniform: Optional[Tensor] = None,
                ignore_index: int = 255) -> Tensor:
        cls_score = cls_score.to(torch.promote_types(cls_score.dtype, torch.float32))  # 1e-10 is 0 in half precision
        ignored = label == ignore_index
        logits = cls_score.masked_fill(ignored[:, None], 0)
        if uniform is None and self.noise:
            uniform = torch.rand_like(logits)
        if uniform is not None:
            logits = logits - torch.log(1e-10 - torch.log(uniform.to(logits) + 1e-10))
        p = self.boundaries((logits / self.temperature).softmax(dim=1))
        y = F.one_hot(label.masked_fill(ignored, 0), cls_score.shape[1]).permute(0, 3, 1, 2).to(p.dtype)
        y = self.boundaries(y)
        difference = (p - y).abs()
        loss = sum((difference * near).sum() / near.sum().clamp(min=1)
                   for near in (p >= self.threshold, y >= self.threshold))
        return self.loss_weight * loss / 2

    @property
    def loss_name(self) -> str:
        return self._loss_name
