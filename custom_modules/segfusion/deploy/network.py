"""A segmentor as the one function a deployment wants: RGB image in, logits of the same size out."""
import itertools
from contextlib import contextmanager
from typing import Iterator, Optional, Sequence, Tuple

import torch
import torch.nn.functional as F
from mmseg.models.segmentors import EncoderDecoder
from torch import Tensor, nn

from ..models.segmentors import swaps_channels


class ImageToLogits(nn.Module):
    r"""Everything between an image file and the arg max, whatever the data preprocessor of the config does.

    .. math:: y = crop(up(head(backbone(pad((x - \mu) / \sigma)))))

    A refiner (CRF) is not part of it: refine afterwards, see :func:`~.predict.predict_image`.

    Args:
        model: Segmentor with encoder and decoder head(s).

    Raises:
        TypeError: If the segmentor is of another kind.

    Shape:
        - image (N, 3, H, W), RGB, 0..255, floating -> logits (N, num_classes, H, W)
    """

    def __init__(self, model: nn.Module):
        super().__init__()
        if not isinstance(model, EncoderDecoder):
            raise TypeError(f'expected an EncoderDecoder (or a child of it), got {type(model).__name__}; other '
                            'segmentors do not say where their logits come from')
        preprocessor = model.data_preprocessor
        self.model = model
        self.swap = not swaps_channels(preprocessor)  # mmseg loads BGR
        normalise = getattr(preprocessor, '_enable_normalize', False)
        # Not buffers of the preprocessor: those are not part of the network's state.
        self.register_buffer('mean', preprocessor.mean.detach().clone() if normalise else torch.zeros(3, 1, 1))
        self.register_buffer('std', preprocessor.std.detach().clone() if normalise else torch.ones(3, 1, 1))
        test_cfg = getattr(preprocessor, 'test_cfg', None) or {}
        self.divisor = int(test_cfg.get('size_divisor') or 1)
        self.pad_value = float(getattr(preprocessor, 'pad_val', 0))

    def forward(self, image: Tensor) -> Tensor:
        height, width = image.shape[2:]
        x = image.flip(1) if self.swap else image
        x = (x - self.mean) / self.std
        if self.divisor > 1:
            x = F.pad(x, (0, -width % self.divisor, 0, -height % self.divisor), value=self.pad_value)
        logits = head_logits(self.model, self.model.extract_feat(x))
        if logits.shape[2:] != x.shape[2:]:
            logits = F.interpolate(
                logits, size=x.shape[2:], mode='bilinear', align_corners=bool(self.model.align_corners))
        return logits[:, :, :height, :width] if self.divisor > 1 else logits


def head_logits(model: EncoderDecoder, features: Sequence[Tensor]) -> Tensor:
    """Logits of the decode head, or of the last one of a cascade, at their own stride.

    Raises:
        TypeError: If the head gives several maps, as mmseg's DDRHead and PIDHead do in training.
    """
    heads = model.decode_head
    if not isinstance(heads, nn.ModuleList):
        logits = heads(features)
        if not isinstance(logits, Tensor):
            raise TypeError(f'expected one logit map of {type(heads).__name__}, got {len(logits)}, which it gives in '
                            'training for losses of its own: call .eval() first, or train it by its config (mim train)')
        return logits
    logits = heads[0](features)
    for head in heads[1:]:
        logits = head(features, logits)
    return logits


def decision_threshold(model: EncoderDecoder) -> Optional[float]:
    """Probability above which a network of one output says foreground; None for one output a class."""
    heads = model.decode_head
    head = heads[-1] if isinstance(heads, nn.ModuleList) else heads
    return getattr(head, 'threshold', None) if model.out_channels == 1 else None


def classes_of(logits: Tensor, threshold: Optional[float]) -> Tensor:
    """The class of every pixel as mmseg decides, (N, 1, H, W)."""
    return logits.argmax(1, keepdim=True) if threshold is None else (logits.sigmoid() > threshold).long()


@contextmanager
def resting_on_cpu(network: nn.Module) -> Iterator[nn.Module]:
    """``network`` in evaluation on the CPU; afterwards it is again where it was, and in the mode it was in."""
    tensors = itertools.chain(network.parameters(), network.buffers())
    device = next((tensor.device for tensor in tensors), torch.device('cpu'))
    training = [module for module in network.modules() if module.training]
    try:
        yield network.cpu().eval()
    finally:
        network.to(device)
        for module in training:
            module.training = True


def example_image(size: Tuple[int, int], batch: int = 1, device='cpu') -> Tensor:
    """Smooth random colours 0..255: white noise would hide errors of position."""
    if len(size) != 2 or min(size) < 1:
        raise ValueError(f'expected a height and a width of at least 1 pixel, got {tuple(size)}')
    generator = torch.Generator().manual_seed(0)
    coarse = torch.rand(batch, 3, max(size[0] // 8, 2), max(size[1] // 8, 2), generator=generator)
    return F.interpolate(coarse * 255, size=size, mode='bilinear', align_corners=False).to(device)
