"""Any backbone, with the edges of its input as one more level."""
from typing import Optional, Sequence, Tuple

import torch
from mmengine.model import BaseModule
from mmseg.registry import MODELS
from torch import Tensor

from ...ops import canny


@MODELS.register_module()
class WithEdges(BaseModule):
    r"""A backbone that hands out, after its own levels, a Canny edge map of what it was given.

    For heads that follow edges (Gated-SCNN). The map is 0 or 255 at the size of the image and has no gradient.

    Paper: `Gated-SCNN <https://arxiv.org/abs/1907.05740>`_; edges: Canny, A Computational Approach to Edge Detection.

    Checked against: nv-tlabs/GSCNN, edd16c5d, by the stored map of one input.

    Differs: the edges are the same pixels as OpenCV's, found on the device of the image. Of what: the paper takes the
    image. The release takes the *normalised* image, cut to integers and stored in a byte: almost all values lie in
    -2..2, and negative ones wrap to 254 and 255, so that its edges are where a colour crosses the mean less or plus a
    deviation. Released weights want that (``of='normalised'``); ``of='image'`` is the paper's.

    Args:
        backbone (dict): Config of the backbone.
        of (str): ``'normalised'`` or ``'image'``. Defaults to ``'normalised'``.
        mean, std (Sequence[float], optional): Of the data preprocessor, in the order of its output; needed to restore
            the image for ``of='image'``.
        thresholds (tuple): Of the hysteresis, in colour levels. Defaults to (10, 100).

    Raises:
        ValueError: If ``of`` is neither, or ``'image'`` without ``mean`` and ``std``.

    Shape:
        - image (N, 3, H, W) -> the levels of the backbone, edges (N, 1, H, W)
    """

    def __init__(self,
                 backbone: dict,
                 *,
                 of: str = 'normalised',
                 mean: Optional[Sequence[float]] = None,
                 std: Optional[Sequence[float]] = None,
                 thresholds: Tuple[float, float] = (10, 100),
                 init_cfg=None):
        super().__init__(init_cfg)
        if of not in ('normalised', 'image'):
            raise ValueError(f"of must be 'normalised' or 'image', got {of!r}")
        if of == 'image' and (mean is None or std is None):
            raise ValueError("of='image' needs mean and std of the data preprocessor to restore the image, got "
                             f'mean={mean}, std={std}')
        self.backbone = MODELS.build(backbone)
        self.of, self.mean, self.std, self.thresholds = of, mean, std, tuple(thresholds)

    @torch.no_grad()
    def edges(self, x: Tensor) -> Tensor:
        """Edge map, 0 or 255, of what the data preprocessor made."""
        x = x.float()
        if self.of == 'image':
            x = (x * x.new_tensor(self.std).view(-1, 1, 1) + x.new_tensor(self.mean).view(-1, 1, 1)).round()
            return 255 * canny(x.clamp(0, 255), *self.thresholds).to(x)
        # A byte of a truncated number: 0.9 -> 0, -1.5 -> 255.
        return 255 * canny(x.long() % 256, *self.thresholds).to(x)

    def forward(self, x: Tensor) -> Tuple[Tensor, ...]:
        return (*self.backbone(x), self.edges(x).to(x.dtype))
