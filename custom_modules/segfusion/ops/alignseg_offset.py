"""AlignSeg's samplers, all said as offsets for the one :func:`~.warp.warp`."""
from typing import Tuple

import torch
from torch import Tensor

from .warp import scale_fields

ALIGNSEG_SAMPLERS = ('corrected', 'released', 'released_corners', 'first_release', 'first_release_corners')


def alignseg_offset(delta: Tensor, source_size: Tuple[int, int], sampler: str,
                    align_corners: bool) -> Tuple[Tensor, bool]:
    r"""Turn a field predicted by AlignSeg into an offset in target pixels.

    The authors' code samples in three ways. Each adds the field to a base grid that spans [-1, 1] from the first target
    pixel to the last (:math:`2 i / (W-1) - 1`), for a target of :math:`W` and a source of :math:`w` columns:

    * ``'corrected'``: the field is in target pixels, and -1 and 1 are the centres of the corner pixels. A zero field is
      plain resizing. The authors' second sampler (``..._gridsample2``, "please use for training"); with
      ``align_corners=False`` the same in the other grid convention.
    * ``'released_corners'``: the field is divided by :math:`w`, so a unit is :math:`(W-1)/2w` target pixels. What the
      first sampler computed with torch < 1.3.
    * ``'released'``: the same with -1 and 1 read as the *outer edges* of the corner pixels, torch's default since 1.3.
      Everything is then also stretched by half a pixel on either side, whatever the field says:

      .. math:: \Delta_x = \delta_x W / 2w + i / (W-1) - 1/2

      so a zero field is not resizing: the first and last rows and columns fade to half.

    ``'first_release*'``: as ``'released*'``, but with x divided by the height and y by the width. This slip was in the
    code that came with the checkpoints (May 2021) and was corrected in December 2021. Square maps do not show it.

    Checked against: speedinghzl/AlignSeg, networks/alignseg.py ``bilinear_interpolate_torch_gridsample`` and
    ``..._gridsample2``, commit ac7582d3 (and ddf2c674 for ``'first_release*'``).

    Args:
        delta: Predicted field, (N, 2, H, W).
        source_size: Height and width of the map to be sampled.
        sampler: One of the above.
        align_corners: Grid convention of ``'corrected'``; the others bring their own.

    Returns:
        The offset in target pixels, at least float32, and ``align_corners`` for :func:`~.warp.warp`.

    Raises:
        ValueError: If the sampler is unknown.

    Shape:
        - (N, 2, H, W) -> (N, 2, H, W)
    """
    delta = delta if delta.dtype == torch.float64 else delta.float()
    if sampler == 'corrected':
        return delta, align_corners
    if sampler not in ALIGNSEG_SAMPLERS:
        raise ValueError(f'unknown sampler {sampler!r}; expected one of {", ".join(ALIGNSEG_SAMPLERS)}')
    height, width = delta.shape[2:]
    rows, columns = source_size
    if sampler.startswith('first_release'):
        rows, columns = columns, rows
    if sampler.endswith('corners'):
        return scale_fields(delta, (width - 1) / (2 * columns), (height - 1) / (2 * rows)), True
    options = dict(dtype=delta.dtype, device=delta.device)
    stretch_x = torch.arange(width, **options) / max(width - 1, 1) - 0.5  # (W,)
    stretch_y = torch.arange(height, **options) / max(height - 1, 1) - 0.5
    stretch = torch.stack((stretch_x.expand(height, width), stretch_y.unsqueeze(1).expand(height, width)))
    return stretch + scale_fields(delta, width / (2 * columns), height / (2 * rows)), False
