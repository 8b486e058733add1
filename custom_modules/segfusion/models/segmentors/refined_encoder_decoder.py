"""Any encoder-decoder with a refiner after it."""
from contextlib import contextmanager
from typing import Dict, List, Optional, Sequence, Tuple

import torch
import torch.nn.functional as F
from mmseg.models.decode_heads.decode_head import BaseDecodeHead
from mmseg.models.utils import resize
from mmseg.registry import MODELS
from mmseg.utils import add_prefix
from torch import Tensor

from ..slots import build_part
from .fitted_encoder_decoder import FittedEncoderDecoder

Box = Tuple[int, int, int, int]  # top, bottom, left, right of what is not padding


def swaps_channels(preprocessor) -> bool:
    """Whether a data preprocessor turns the BGR that mmseg loads into RGB; True for one that does not say."""
    # The underscore came with mmsegmentation 1.4.
    return getattr(preprocessor, '_channel_conversion', getattr(preprocessor, 'channel_conversion', True))


@MODELS.register_module()
class RefinedEncoderDecoder(FittedEncoderDecoder):
    r"""``EncoderDecoder`` that hands its logits, at the size of the image, and the image to a ``refiner``.

    Any config whose segmentor is ``EncoderDecoder`` takes one in two lines::

        _base_ = './fcn_r50-d8_4xb4-80k_camvid-360x480.py'
        model = dict(type='RefinedEncoderDecoder', refiner=dict(type='CRFAsRNN'))

    Its checkpoints load as they are; only ``refiner.*`` is missing in them. The refiner gets exactly the pixels its
    logits come from: the window in slide inference, the flipped image in test-time augmentation, RGB in 0..255
    whatever the data preprocessor did to it (but see ``refiner_image``), and never padding. Padded pixels keep their
    unrefined logits.

    In training the losses of ``decode_head`` are computed from the refined logits. ``in_channels`` of heads are filled
    in or checked as in :class:`FittedEncoderDecoder`.

    Args:
        refiner (dict): Config of a module ``refine(logits, image) -> logits``; it is built with ``num_classes`` of the
            head unless the config names it.
        unary_loss_weight (float): If not 0, the losses of the unrefined logits, times this, are added (as
            ``decode.unary_*``): they keep the network itself a good classifier. Defaults to 0.
        refine_after_slide (bool): In slide inference, refine the assembled logits of the whole image once, instead of
            those of every window. Defaults to False.
        image_order (str): Channel order of what the network sees: 'RGB', 'BGR', or 'auto', which is RGB if
            the data preprocessor swaps channels (mmseg loads BGR and swaps), else BGR. Defaults to 'auto'.
        refiner_image (str): What the refiner gets: 'restored', RGB in 0..255, or 'network', the very tensor that the
            network sees. The released CRF-as-RNN filters the latter, BGR less its mean; a lattice is not quite
            indifferent to an offset or to the order of its features. Defaults to 'restored'.
        **kwargs: Of :class:`mmseg.models.segmentors.EncoderDecoder`.

    Raises:
        TypeError: If the decode head is a list (a cascade), is not a ``BaseDecodeHead``, or its ``forward`` does not
            return one logit map (some heads return several in training).

    Shape:
        - image (N, 3, H, W) -> logits (N, num_classes, H, W), also in tensor mode
    """

    def __init__(self, refiner: dict, unary_loss_weight: float = 0., refine_after_slide: bool = False,
                 image_order: str = 'auto', refiner_image: str = 'restored', **kwargs):
        if image_order not in ('auto', 'RGB', 'BGR'):
            raise ValueError(f"expected image_order 'auto', 'RGB' or 'BGR', got {image_order!r}")
        if refiner_image not in ('restored', 'network'):
            raise ValueError(f"expected refiner_image 'restored' or 'network', got {refiner_image!r}")
        if isinstance(kwargs.get('decode_head'), (list, tuple)):
            raise TypeError('expected one decode_head, got a list: a cascade has no single logit map to refine. Use '
                            'the type EncoderDecoder refines, i.e. one head config')
        super().__init__(**kwargs)
        self.refiner = build_part('refiner', refiner, self, dict(num_classes=self.out_channels))
        self.unary_loss_weight = unary_loss_weight
        self.refine_after_slide = refine_after_slide
        self.image_order = image_order
        self.refiner_image = refiner_image
        self._skip_refiner = False

    def _init_decode_head(self, decode_head) -> None:  # private to mmseg
        super()._init_decode_head(decode_head)
        if not isinstance(self.decode_head, BaseDecodeHead):
            raise TypeError(f'expected a decode_head derived from BaseDecodeHead, got {type(self.decode_head).__name__}'
                            ', whose output is not one logit map a pixel; a refiner cannot follow it')

    def _logits(self, features) -> Tensor:
        logits = self.decode_head.forward(features)
        if not (isinstance(logits, Tensor) and logits.dim() == 4 and logits.shape[1] == self.out_channels):
            got = tuple(logits.shape) if isinstance(logits, Tensor) else type(logits).__name__
            raise TypeError(
                f'expected {type(self.decode_head).__name__}.forward to return one logit map '
                f'(N, {self.out_channels}, h, w), got {got}{" in training" if self.training else ""}; a refiner needs '
                'it. Heads that return several maps (e.g. DDRHead, PIDHead, STDC with its detail head) have to be '
                'wrapped, with the others supervised by auxiliary_head')
        return logits

    def _resized(self, logits: Tensor, size) -> Tensor:
        return resize(logits, size=tuple(size), mode='bilinear', align_corners=self.align_corners)

    def restore_image(self, inputs: Tensor) -> Tensor:
        """The RGB image in 0..255 from what the data preprocessor made of it, (N, 3, H, W)."""
        preprocessor = self.data_preprocessor
        image = inputs.detach()
        if getattr(preprocessor, '_enable_normalize', False):
            image = image * preprocessor.std + preprocessor.mean
        # Colours of images are integers; what is within rounding of one is one. A lattice can tell the difference.
        whole = image.round()
        image = torch.where((image - whole).abs() < 1e-2, whole, image)
        order = self.image_order
        if order == 'auto':
            order = 'RGB' if swaps_channels(preprocessor) else 'BGR'
        return image.flip(1) if order == 'BGR' else image

    def refine(self, logits: Tensor, inputs: Tensor, boxes: Optional[Sequence[Box]] = None) -> Tensor:
        """Refine logits at the size of ``inputs``; ``boxes`` hold what is not padding in each image."""
        if self._skip_refiner:
            return logits
        image = self.restore_image(inputs) if self.refiner_image == 'restored' else inputs.detach()
        height, width = image.shape[2:]
        whole = (0, height, 0, width)
        boxes = [whole] * len(image) if boxes is None else list(boxes)
        if all(box == whole for box in boxes):
            return self.refiner(logits, image)
        out: List[Tensor] = [logits[i] for i in range(len(logits))]
        groups: Dict[Box, List[int]] = {}
        for i, box in enumerate(boxes):
            groups.setdefault(box, []).append(i)
        for (top, bottom, left, right), members in groups.items():
            if bottom <= top or right <= left:
                continue  # a window that lies in the padding
            part = (slice(None), slice(top, bottom), slice(left, right))
            refined = self.refiner(*(torch.stack([x[i][part] for i in members]) for x in (logits, image)))
            for i, one in zip(members, refined):
                out[i] = _paste(out[i].to(one.dtype), one, top, left)
        dtype = max((o.dtype for o in out), key=lambda d: torch.finfo(d).bits)
        return torch.stack([o.to(dtype) for o in out])

    def encode_decode(self, inputs: Tensor, batch_img_metas: List[dict]) -> Tensor:
        return self._encode_decode(inputs, _boxes(batch_img_metas, inputs.shape[2:]))

    def _encode_decode(self, inputs: Tensor, boxes: Optional[Sequence[Box]]) -> Tensor:
        logits = self._resized(self._logits(self.extract_feat(inputs)), inputs.shape[2:])
        return self.refine(logits, inputs, boxes)

    def slide_inference(self, inputs: Tensor, batch_img_metas: List[dict]) -> Tensor:
        boxes = _boxes(batch_img_metas, inputs.shape[2:])
        with self._without_refiner(self.refine_after_slide):
            total = seen = None
            for top, bottom, left, right in self._windows(*inputs.shape[2:]):
                window = inputs[:, :, top:bottom, left:right]
                logits = self._encode_decode(window, [_inside(box, top, bottom, left, right) for box in boxes])
                if total is None:
                    total = logits.new_zeros(*logits.shape[:2], *inputs.shape[2:])
                    seen = logits.new_zeros(inputs.shape[2:])
                total[:, :, top:bottom, left:right] += logits
                seen[top:bottom, left:right] += 1
        logits = total / seen
        return self.refine(logits, inputs, boxes) if self.refine_after_slide else logits

    def _windows(self, height: int, width: int):
        """Boxes of mmseg's slide inference: a regular grid whose last row and column are moved inside."""
        for size in (self.test_cfg.crop_size, self.test_cfg.stride):
            assert len(size) == 2
        (crop_h, crop_w), (step_h, step_w) = self.test_cfg.crop_size, self.test_cfg.stride
        for row in range(max(height - crop_h + step_h - 1, 0) // step_h + 1):
            bottom = min(row * step_h + crop_h, height)
            for column in range(max(width - crop_w + step_w - 1, 0) // step_w + 1):
                right = min(column * step_w + crop_w, width)
                yield max(bottom - crop_h, 0), bottom, max(right - crop_w, 0), right

    @contextmanager
    def _without_refiner(self, active: bool):
        before, self._skip_refiner = self._skip_refiner, active
        try:
            yield
        finally:
            self._skip_refiner = before

    def _forward(self, inputs: Tensor, data_samples=None) -> Tensor:
        metas = [sample.metainfo for sample in data_samples] if data_samples else [{}] * len(inputs)
        return self.encode_decode(inputs, metas)

    def loss(self, inputs: Tensor, data_samples) -> dict:
        features = self.extract_feat(inputs)
        unary = self._logits(features)
        boxes = _boxes([sample.metainfo for sample in data_samples], inputs.shape[2:])
        refined = self.refine(self._resized(unary, inputs.shape[2:]), inputs, boxes)
        losses = add_prefix(self.decode_head.loss_by_feat(refined, data_samples), 'decode')
        if self.unary_loss_weight:
            for name, value in self.decode_head.loss_by_feat(unary, data_samples).items():
                weight = self.unary_loss_weight if 'loss' in name else 1
                losses[f'decode.unary_{name}'] = value * weight
        if self.with_auxiliary_head:
            losses.update(self._auxiliary_head_forward_train(features, data_samples))
        return losses


def _paste(ground: Tensor, patch: Tensor, top: int, left: int) -> Tensor:
    """``ground`` (C, H, W) with ``patch`` in it, differentiable in both."""
    height, width = patch.shape[1:]
    margins = (left, ground.shape[2] - left - width, top, ground.shape[1] - top - height)
    mask = F.pad(patch.new_ones(1, height, width, dtype=torch.bool), margins)
    return torch.where(mask, F.pad(patch, margins), ground)


def _boxes(metas: Sequence[dict], size) -> List[Box]:
    """What is not padding, from mmseg's meta information (left, right, top, bottom)."""
    height, width = size
    boxes = []
    for meta in metas:
        left, right, top, bottom = meta.get('img_padding_size', meta.get('padding_size', (0, 0, 0, 0)))
        boxes.append((int(top), height - int(bottom), int(left), width - int(right)))
    return boxes


def _inside(box: Box, top: int, bottom: int, left: int, right: int) -> Box:
    """``box`` in the coordinates of a window, clipped to it."""
    return (min(max(box[0], top), bottom) - top, min(max(box[1], top), bottom) - top,
            min(max(box[2], left), right) - left, min(max(box[3], left), right) - left)
