"""Any backbone, with the edges of its input as one more level."""
from typing import Optional, Sequence, Tuple

import cv2
import numpy as np
import torch
from mmengine.model import BaseModule
from mmseg.registry import MODELS
from torch import Tensor


@MODELS.register_module()
class WithEdges(BaseModule):
    r"""A backbone that hands out, after its own levels, a Canny edge map of what it was given.

    For heads that follow edges (Gated-SCNN). The map is 0 or 255 at the size of the image and has no gradient.

    Paper: `Gated-SCNN <https://arxiv.org/abs/1907.05740>`_; edges: Canny, A Computational Approach to Edge Detection.

    Checked against: nv-tlabs/GSCNN, edd16c5d, by the stored map of one input.

    Differs: the paper takes the edges of the image. The release takes those of the *normalised* image, cut to integers
    and stored in a byte: almost all values lie in -2..2, and negative ones wrap to 254 and 255, so that its edges are
    where a colour crosses the mean. Released weights want that (``of='normalised'``); ``of='image'`` is the paper's.

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
        if torch.jit.is_tracing():
            raise NotImplementedError(
                'WithEdges finds edges with OpenCV, which no exporter can follow: a traced file would hold the edges '
                'of the example image for ever. This network cannot be exported')
        maps = []
        for picture in x.detach().float().cpu().permute(0, 2, 3, 1).numpy():
            if self.of == 'image':
                picture = (picture * np.float32(self.std) + np.float32(self.mean)).round().clip(0, 255)
            # By way of integers: casting a negative float to a byte is undefined in C.
            picture = np.ascontiguousarray(picture.astype(np.int64).astype(np.uint8))
            maps.append(torch.from_numpy(cv2.Canny(picture, *self.thresholds)))
        return torch.stack(maps)[:, None].to(x)

    def forward(self, x: Tensor) -> Tuple[Tensor, ...]:
        return (*self.backbone(x), self.edges(x))
