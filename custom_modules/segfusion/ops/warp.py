"""Sampling one map at displaced positions of another map's grid.

Convention, for the whole package:

* An offset is ``(dx, dy)`` in pixels of the *target* grid: channel 0 moves the sample to the right, channel 1 down.
* Zero offset is plain bilinear resizing to the target grid, with the same meaning of ``align_corners`` as
  :func:`torch.nn.functional.interpolate`. There is no default for ``align_corners``: the two conventions differ by up
  to half a coarse pixel, and every published loss of accuracy in ports of flow alignment began there.
* Positions are computed in float32 at least. Half precision cannot hold them: rounding a normalised grid to bfloat16
  moves samples by up to a pixel at width 1024.
"""
import torch
import torch.nn.functional as F
from torch import Tensor

from ..portable import without_grid_sample
from .gather_rows import prefers_rows, sample_rows
from .grid_taps import deterministic_grid_sample, gather_sample


def warp(x: Tensor, offset: Tensor, *, align_corners: bool, padding_mode: str = 'border') -> Tensor:
    r"""Resize ``x`` to the grid of ``offset`` while displacing every sample.

    .. math:: y(p) = x\big(s(p + \Delta(p))\big), \quad p \in \{0..H-1\} \times \{0..W-1\}

    Under ``torch.use_deterministic_algorithms(True)`` its gradient adds up in a fixed order, also on CUDA.

    where :math:`s` maps target pixels to source pixels: :math:`s(p) = p (w-1)/(W-1)` along the width with
    ``align_corners=True`` and :math:`(p + 1/2)\, w/W - 1/2` without.

    Args:
        x: Source map, (N, C, h, w), any floating type.
        offset: :math:`\Delta` as (dx, dy) in target pixels, (N, 2, H, W).
        align_corners: Which grid convention, see above.
        padding_mode: What lies outside the source: ``'border'`` repeats the edge, as resizing does; ``'zeros'``
            fades to zero within one source pixel. Defaults to ``'border'``.

    Returns:
        Sampled map, (N, C, H, W), in the type of ``x``.

    Raises:
        ValueError: If shapes do not fit together.

    Shape:
        - x (N, C, h, w), offset (N, 2, H, W) -> (N, C, H, W)
    """
    if x.dim() != 4 or offset.dim() != 4 or offset.shape[1] != 2 or offset.shape[0] != x.shape[0]:
        raise ValueError('warp expects x (N, C, h, w) and offset (N, 2, H, W) with the same N, '
                         f'got {tuple(x.shape)} and {tuple(offset.shape)}')
    dtype = x.dtype if x.dtype in (torch.float32, torch.float64) else torch.float32
    # Neither arithmetic nor grid_sample is lowered by autocast, so converting here is all it takes.
    if padding_mode in ('border', 'zeros') and prefers_rows(x, offset):
        return sample_rows(x.to(dtype), offset.to(dtype), align_corners, padding_mode).to(x.dtype)
    grid = _sampling_grid(offset.to(dtype), align_corners)
    if without_grid_sample():
        y = gather_sample(x.to(dtype), grid, padding_mode, align_corners)
    elif _wants_fixed_order(x, offset):
        y = deterministic_grid_sample(x.to(dtype), grid, padding_mode, align_corners)
    else:
        y = F.grid_sample(x.to(dtype), grid, mode='bilinear', padding_mode=padding_mode, align_corners=align_corners)
    return y.to(x.dtype)


def sfnet_flow_to_offset(flow: Tensor) -> Tensor:
    r"""Turn SFNet's flow into an offset in pixels.

    The released code adds :math:`f / (W, H)` to a grid that spans [-1, 1] between the corner pixels, so one unit of
    flow is :math:`((W-1)/2W, (H-1)/2H)` pixels: about half a pixel.

    Args:
        flow: (N, 2, H, W), or (N, 2k, H, W) with k fields one after the other.

    Returns:
        Offset in pixels of its own grid, at least float32: half precision would lose its sub-pixel part.

    Shape:
        - (N, 2k, H, W) -> (N, 2k, H, W)
    """
    height, width = flow.shape[2:]
    flow = flow if flow.dtype == torch.float64 else flow.float()
    return scale_fields(flow, (width - 1) / (2 * width), (height - 1) / (2 * height))


def scale_fields(fields: Tensor, by_x: float, by_y: float) -> Tensor:
    """Multiply dx and dy of k fields, (N, 2k, H, W).

    Not by a tensor made of the two factors: traced with a size that varies, that would freeze them.
    """
    return torch.cat([fields[:, i:i + 1] * (by_y if i % 2 else by_x) for i in range(fields.shape[1])], dim=1)


def _wants_fixed_order(x: Tensor, offset: Tensor) -> bool:
    """Whether a backward may follow that has to add up in the same order in every run."""
    return (
        torch.are_deterministic_algorithms_enabled() and torch.is_grad_enabled()
        and (x.requires_grad or offset.requires_grad))


def _sampling_grid(offset: Tensor, align_corners: bool) -> Tensor:
    """Normalised positions (N, H, W, 2) that ``grid_sample`` reads; -1 and 1 are the source's edges."""
    height, width = offset.shape[2:]
    if align_corners:
        # A single row or column samples the first one, as interpolate does.
        step_x, step_y = 2 / max(width - 1, 1), 2 / max(height - 1, 1)
        first_x = first_y = -1.0
    else:
        step_x, step_y = 2 / width, 2 / height
        first_x, first_y = 1 / width - 1, 1 / height - 1
    options = dict(dtype=offset.dtype, device=offset.device)
    x = torch.arange(width, **options) + offset[:, 0]  # (N, H, W)
    y = torch.arange(height, **options).unsqueeze(1) + offset[:, 1]
    return torch.stack((x * step_x + first_x, y * step_y + first_y), dim=-1)
