"""A segmentor from a config and a checkpoint, ready to predict."""
import copy
import warnings
from typing import Optional, Union

from mmengine.config import Config
from mmengine.model import revert_sync_batchnorm
from mmengine.runner import load_checkpoint
from mmseg.apis import init_model
from mmseg.registry import DATASETS
from torch import nn

from ..datasets.checks import leaf_datasets
from ..engine.hooks import require_fit
from ..engine.inference import prepare_for_inference

# What needs a label; there is none when predicting.
LABEL_STEPS = ('LoadAnnotations', 'CheckLabels')


def load_segmentor(config: Union[str, Config], checkpoint: Optional[str] = None, device: str = 'cpu',
                   options: Optional[dict] = None) -> nn.Module:
    """``mmseg.apis.init_model`` that insists on a checkpoint that fits.

    Args:
        config: Path or config.
        checkpoint: Path or URL; None leaves the initial weights.
        device: Where to put the network. Defaults to ``'cpu'``.
        options: Changes of the config, as in ``--cfg-options``.

    Returns:
        The segmentor in evaluation mode, with ``cfg`` (its test pipeline reads no labels) and ``dataset_meta``.

    Raises:
        ValueError: If tensors of the network are missing in the checkpoint.
    """
    model = revert_sync_batchnorm(init_model(config, None, device, options))
    meta = {}
    if checkpoint is not None:
        meta = load_weights(model, checkpoint).get('meta', {}).get('dataset_meta') or {}
    model.dataset_meta = meta if meta.get('classes') else dataset_meta(model.cfg, model.out_channels)
    model.cfg.test_pipeline = image_pipeline(model.cfg)
    return model.eval()


def prepare_if_equal(model: nn.Module) -> nn.Module:
    """:func:`~segfusion.engine.inference.prepare_for_inference` where it may be used; elsewhere the segmentor as it is,
    and a warning.

    The logits before and after are compared on a random image; a segmentor that cannot be prepared is not touched.
    """
    try:
        return prepare_for_inference(copy.deepcopy(model))
    except Exception as error:  # of whatever a network does with folded norms, or with that image
        warnings.warn(f'predicts as trained, not prepared: {error}', stacklevel=2)
        return model.eval()


def load_weights(model: nn.Module, checkpoint: str) -> dict:
    """Fill a segmentor from a path or URL; returns all that the file holds.

    Raises:
        ValueError: If tensors of the network are missing in the checkpoint.
    """
    loaded = load_checkpoint(model, checkpoint, map_location='cpu')  # the one line that reads a file
    require_fit(model, loaded)
    return loaded


def dataset_meta(config: Config, num_classes: int) -> dict:
    """Classes and palette of the config's test data, without building it; numbered classes if it has none."""
    node = _test_data(config)
    dataset = DATASETS.get(node['type']) if node.get('type') else None
    meta = dict(getattr(dataset, 'METAINFO', {}), **node.get('metainfo', {}))
    if not meta.get('classes'):
        meta['classes'] = [f'class {i}' for i in range(max(num_classes, 2))]  # one output tells two classes
    return meta


def image_pipeline(config: Config) -> list:
    """How the config prepares an image that has no label."""
    steps = config.get('test_pipeline') or _test_data(config).get('pipeline') or [
        dict(type='LoadImageFromFile'), dict(type='PackSegInputs')
    ]
    return [step for step in steps if step['type'] not in LABEL_STEPS]


def _test_data(config: Config) -> dict:
    return next(leaf_datasets(config.get('test_dataloader', {}).get('dataset', {})))
