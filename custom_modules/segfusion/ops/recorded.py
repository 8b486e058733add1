"""Where in its window on the fine grid the response of every coarse cell came from."""
from typing import Tuple

import torch
from torch import Tensor


def recorded_displacement(energy: Tensor,
                          size: Tuple[int, int],
                          *,
                          align_corners: bool,
                          temperature: float = 0.5) -> Tensor:
    r"""Sub-pixel position of the response in every window, relative to the window's middle.

    .. math::
        d(c) = \sum_{q \in \Omega(c)} (w_c(q) - 1 / |\Omega(c)|)\, q, \quad
        w_c = softmax_{q \in \Omega(c)} \frac{\log e(q)}{T}, \quad
        \Omega(c) = \{q : |q - P(c)|_\infty \le s / 2\}

    with :math:`P(c)` the centre of coarse cell c on the fine grid (see :func:`~.warp.warp`) and :math:`s` the distance
    between centres: 2x2 blocks for maps of half the size. Energy to the power of :math:`1/T` is the weight, so the
    result does not depend on the scale of the energy. :math:`T = 1` is its centroid, :math:`T \to 0` its argmax
    (SegNet's index), :math:`T \to \infty` and a uniform window are no displacement at all.

    Chained steps need no bookkeeping: softmax is associative, so recording 2x2 windows one after the other, each
    handing on the sum of its weights and its position, is recording the whole window at once.

    Args:
        energy: Not negative, on the fine grid; at least float32 inside.
        size: Height and width of the coarse grid.
        align_corners: Which pixels the centres of the coarse cells lie on.
        temperature: :math:`T`. 0 takes the argmax, the first one if several are equal; then nothing but a uniform
            window's middle is lost, and no gradient passes.

    Returns:
        (dx, dy) in fine pixels on the coarse grid.

    Raises:
        ValueError: If the coarse grid is the larger one, or the temperature is negative.

    Shape:
        - energy (N, H, W) -> (N, 2, h, w)
    """
    if temperature < 0:
        raise ValueError(f'expected temperature >= 0, got {temperature}')
    if energy.dim() != 3 or size[0] > energy.shape[1] or size[1] > energy.shape[2]:
        raise ValueError('expected energy (N, H, W) on a grid at least as large as the coarse one, got energy '
                         f'{tuple(energy.shape)} and coarse size {tuple(size)}; levels run fine to coarse')
    energy = energy if energy.dtype == torch.float64 else energy.float()
    rows, row_inside = _windows(size[0], energy.shape[1], align_corners, energy)  # (h, j)
    columns, column_inside = _windows(size[1], energy.shape[2], align_corners, energy)  # (w, k)
    inside = (row_inside[:, None, :, None] & column_inside[None, :, None, :]).flatten(2)  # (h, w, j k)
    # A floor far below anything that counts keeps the logarithm of silent pixels, and silent maps, finite.
    energy = energy + 1e-6 * energy.mean((1, 2), keepdim=True) + torch.finfo(energy.dtype).tiny
    window = energy[:, rows][..., columns].transpose(2, 3).flatten(3)  # (N, h, w, j k)
    logits = window.log().masked_fill(~inside, -torch.inf)
    if temperature:
        weight = (logits / temperature).softmax(-1)
    else:
        weight = torch.zeros_like(logits).scatter_(-1, logits.argmax(-1, keepdim=True), 1)
    weight = weight - inside / inside.sum(-1, keepdim=True)
    weight = weight.unflatten(-1, (rows.shape[1], columns.shape[1]))  # (N, h, w, j, k)
    dx = (weight.sum(3) * columns).sum(-1)
    dy = (weight.sum(4) * rows[:, None]).sum(-1)
    return torch.stack((dx, dy), dim=1)


def _windows(cells: int, pixels: int, align_corners: bool, like: Tensor) -> Tuple[Tensor, Tensor]:
    """Indices of the pixels in the window of every cell along one axis, and which of them exist."""
    cell = torch.arange(cells, dtype=torch.float64, device=like.device)
    step = (pixels - 1) / max(cells - 1, 1) if align_corners else pixels / cells
    centre = cell * step if align_corners else (cell + 0.5) * step - 0.5
    reach = step / 2 + 1e-6  # pixels on the edge belong to the window, whatever rounding says
    first = (centre - reach).ceil()
    index = first[:, None] + torch.arange(int(2 * reach) + 1, device=like.device)
    inside = ((index - centre[:, None]).abs() <= reach) & (index >= 0) & (index < pixels)
    return index.clamp(0, pixels - 1).long(), inside
