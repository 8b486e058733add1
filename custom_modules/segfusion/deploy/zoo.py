"""Networks by name, as ordinary modules, for programs that have nothing to do with configs."""
import difflib
import fnmatch
import os
import re
from pathlib import Path
from typing import Dict, List, Optional, Union

import torch
from mmengine.config import Config
from mmengine.model import revert_sync_batchnorm
from mmengine.registry import DefaultScope
from mmseg.registry import MODELS
from mmseg.utils import register_all_modules
from torch import Tensor

from ..diagnosis.cost import PREDICTION_ONLY
from ..diagnosis.loading import ROOTS
from ..engine.optional import lacking
from ..models.refine.crf_as_rnn import look_at_colours
from .load import load_weights, prepare_if_equal
from .network import ImageToLogits
from .shipped import find_shipped

_SCHEDULE = re.compile(r'_\d+xb\d+.*')


class Network(ImageToLogits):
    r"""A network of :func:`get_model`: picture in, logits of its size out, in training too.

    Normalisation, the order of the channels, padding and the last resize are inside, as the config has them, and so is
    a refiner (CRF). Auxiliary heads and losses are not.

    Shape:
        - image (N, 3, H, W), RGB, colour levels 0..255, of any type -> logits (N, num_classes, H, W)
    """

    def __init__(self, model):
        super().__init__(model)
        self._image_seen = False

    @property
    def num_classes(self) -> int:
        return self.model.out_channels

    def forward(self, image: Tensor) -> Tensor:
        if image.dim() != 4 or image.shape[1] != 3:
            raise ValueError(f'expected images (N, 3, H, W), got {tuple(image.shape)}; one picture is image[None], and '
                             'channels come before height and width')
        image = image.to(self.mean.dtype)
        if not self._image_seen and not torch.jit.is_tracing():
            self._image_seen = look_at_colours(image, 'the network')
        logits = super().forward(image)
        return self.model.refiner(logits, image) if hasattr(self.model, 'refiner') else logits


def list_models(pattern: str = '*', *, configs: bool = False) -> List[str]:
    """Names that :func:`get_model` knows.

    Args:
        pattern: Shell pattern, e.g. ``'sfnet*'``. Defaults to all.
        configs: List the full names of the configs, with schedule and data, instead of ``algorithm_backbone`` and,
            where there is one, ``_component``. Defaults to False.
    """
    return sorted(fnmatch.filter(_files() if configs else _short(), pattern))


def get_model(name: str, num_classes: Optional[int] = None, *, pretrained: bool = False,
              weights: Optional[str] = None, inference: bool = False, device: Union[str, torch.device] = 'cpu',
              **changes) -> Network:
    """A shipped network by name, as a module of which nothing but PyTorch need be known.

    ::

        model = segfusion.get_model('sfnet_r18-v1c', num_classes=11, pretrained=True)
        loss = torch.nn.functional.cross_entropy(model(images), labels, ignore_index=255)

    Args:
        name: Of :func:`list_models`. A short one stands for the first of its configs, those with public weights before
            others; the full name of any config is understood, too.
        num_classes: Channels of the logits. Defaults to the classes of the config's data.
        pretrained: Short for ``weights='backbone'``.
        weights: ``'shipped'`` loads a trained network that comes with the package, see
            :func:`~.shipped.list_shipped`; ``'backbone'`` loads what the config starts from, ImageNet weights mostly:
            public ones, which may be downloaded, or a file of ``tools/convert_checkpoint.py``; a path or URL loads a
            checkpoint, which has to fill the network. Defaults to None: random.
        inference: Whether it is to predict only: norms folded, channels-last, some 1.5 times as fast
            (:func:`~segfusion.engine.inference.prepare_for_inference`, with its check of equal logits). In evaluation
            mode, and without parameters to train. Defaults to False.
        device: Where to put it. Defaults to ``'cpu'``.
        **changes: Changes of the config's ``model``, e.g. ``decode_head=dict(align=dict(type='DeformableAlign'))``.

    Returns:
        The network in training mode, as every new module, unless it is for ``inference``; synchronised batch norm is
        plain batch norm (convert it with ``torch.nn.SyncBatchNorm.convert_sync_batchnorm`` if you train on several
        GPUs).

    Raises:
        ValueError: If there is no such name, no weights of it are shipped, the config names no public weights, or a
            checkpoint does not fit.
        TypeError: If the network has no logit for every pixel (PointRend, MaskFormer).
        RuntimeError: If it needs something that is not installed.
    """
    if pretrained and weights not in (None, 'backbone'):
        raise ValueError(f'expected pretrained=True or weights={weights!r}, got both; a checkpoint holds the backbone '
                         'as well')
    weights = 'backbone' if pretrained else weights
    register_all_modules(init_default_scope=False)
    file = _find(name)
    if weights == 'shipped':
        shipped = find_shipped(name, *(path.stem for path in _short().get(name, ())))
        file, weights = shipped.config_file, str(shipped.checkpoint)
    config = Config.fromfile(file)
    config.merge_from_dict(dict(model=changes))
    config.model.pop('auxiliary_head', None)
    heads = config.model.decode_head
    for head in heads if isinstance(heads, list) else [heads]:
        if head.type in PREDICTION_ONLY:
            raise TypeError(f'{name} ends in {head.type}, which gives no logit for every pixel in training; use '
                            'segfusion.deploy.load_segmentor')
        if num_classes is not None:
            head.num_classes = num_classes
    if lacking(config):
        raise RuntimeError(lacking(config)[0])
    if weights == 'backbone' and not _initial_weights(config):
        raise ValueError(f'the config of {name} names no weights for its backbone: it is trained from scratch; leave '
                         'pretrained and weights out, or give weights the path of a checkpoint')
    if weights == 'backbone' and not _is_public(config) and not os.path.isfile(_initial_weights(config)):
        raise ValueError(f'{name} starts from {_initial_weights(config)}, which is not there: '
                         "tools/convert_checkpoint.py makes it of its authors' file. Names with v1c, as sfnet_r18-v1c, "
                         'start from public weights')
    with DefaultScope.overwrite_default_scope('mmseg'):  # for now, and not for the program that calls
        model = revert_sync_batchnorm(MODELS.build(config.model))
        if weights == 'backbone':
            model.backbone.init_weights()
        elif weights is not None:
            load_weights(model, weights)
    model.cfg = config
    if inference:
        return Network(prepare_if_equal(model)).to(device).eval()
    return Network(model).to(device)


def _initial_weights(config: Config) -> str:
    """What the backbone starts from, '' for random numbers."""
    backbone = config.model.backbone
    # The trunk of BiSeNet, ICNet and STDC is inside another backbone.
    init = backbone.get('init_cfg') or backbone.get('backbone_cfg', {}).get('init_cfg') or {}
    return init['checkpoint'] if init.get('type') == 'Pretrained' else ''


def _is_public(config: Config) -> bool:
    return '://' in _initial_weights(config)


def _files() -> Dict[str, Path]:
    """Every shipped config by its stem, from the checkout or from the wheel."""
    for root in ROOTS:
        found = {path.stem: path for path in sorted(root.glob('[!_]*/*.py'))}
        if found:
            return found
    raise FileNotFoundError(f'expected the configs of the package in {ROOTS[0]} or {ROOTS[1]}, found none; install the '
                            'package again')


def _short() -> Dict[str, List[Path]]:
    """The configs of every ``algorithm_backbone[_component]``; they differ in schedule and data."""
    found: Dict[str, List[Path]] = {}
    for stem, path in _files().items():
        found.setdefault(_SCHEDULE.sub('', stem), []).append(path)
    return found


def _find(name: str) -> Path:
    files, short = _files(), _short()
    if name in files:
        return files[name]
    if name in short:
        # Drawn streets are for trying out, and need no ImageNet.
        return min(short[name],
                   key=lambda p: (not _is_public(Config.fromfile(p)), 'street-scenes' in p.stem, '-scratch' in p.stem,
                                  p.stem))
    close = difflib.get_close_matches(name, [*short, *files], n=3, cutoff=0.4) or list(short)[:3]
    raise ValueError(f'there is no model {name!r}; did you mean {", ".join(close)}? segfusion.list_models() names all')
