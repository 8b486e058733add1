"""Every config builds, takes one training step and predicts, at a small odd size."""
import copy
from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmengine.model import revert_sync_batchnorm
from mmengine.optim import build_optim_wrapper
from mmengine.registry import init_default_scope
from mmengine.structures import PixelData
from mmseg.registry import DATASETS, MODELS, TRANSFORMS
from mmseg.structures import SegDataSample

ROOT = Path(__file__).parents[1]
CONFIGS = sorted(p for p in ROOT.glob('configs/*/*.py') if p.parent.name != '_base_')
# Children that change nothing but the data or the schedule repeat their parent's network.
SIZE = (65, 97)
# Keys of a model that change what it is fed, where it starts or how its loss is weighed, but not its layers.
SAME_NETWORK = ('num_classes', 'out_channels', 'size', 'test_cfg', 'mean', 'std', 'bgr_to_rgb', 'init_cfg',
                'class_weight')


def fingerprint(config):
    """What the network is made of, apart from the number of classes and the input size."""
    model = copy.deepcopy(config.model.to_dict())

    def strip(node):
        if isinstance(node, dict):
            return {k: strip(v) for k, v in node.items() if k not in SAME_NETWORK}
        return [strip(v) for v in node] if isinstance(node, (list, tuple)) else node

    return repr(strip(model))


def distinct(paths):
    """The first config of every network."""
    seen = {}
    for path in paths:
        seen.setdefault(fingerprint(Config.fromfile(path)), path)
    return sorted(seen.values())


def batch(num_classes, n=2):
    image = torch.randint(0, 256, (n, 3, *SIZE), dtype=torch.uint8)
    label = torch.randint(0, num_classes, (n, 1, *SIZE))
    label[:, :, :5] = 255
    samples = []
    for i in range(n):
        meta = dict(img_shape=SIZE, ori_shape=SIZE, pad_shape=SIZE, scale_factor=(1., 1.))
        samples.append(SegDataSample(gt_sem_seg=PixelData(data=label[i]), metainfo=meta))
    return dict(inputs=list(image), data_samples=samples)


def as_list(heads):
    """Cascades and deep supervision have several heads."""
    return heads if isinstance(heads, list) else [heads]


def small(config):
    config = copy.deepcopy(config)
    for key in ('size', 'size_divisor'):
        config.model.data_preprocessor.pop(key, None)
    config.model.data_preprocessor.size = SIZE
    return config


@pytest.mark.parametrize('path', distinct(CONFIGS), ids=lambda p: p.stem)
def test_config_trains_and_predicts(path):
    config = small(Config.fromfile(path))
    init_default_scope('mmseg')
    model = revert_sync_batchnorm(MODELS.build(config.model))
    num_classes = as_list(config.model.decode_head)[-1].num_classes
    optimizer = build_optim_wrapper(model, copy.deepcopy(config.optim_wrapper))
    model.train()
    losses = model.train_step(batch(num_classes), optimizer)
    assert torch.isfinite(losses['loss']) and losses['loss'] > 0
    silent = [name for name, p in model.named_parameters() if p.requires_grad and p.grad is None]
    assert not silent, f'no gradient reaches {silent}'

    model.eval()
    one = batch(num_classes, n=1)
    with torch.no_grad():
        result = model.test_step(one)[0]
    prediction = result.pred_sem_seg.data
    assert prediction.shape == (1, *SIZE) and prediction.max() < num_classes
    assert torch.isfinite(result.seg_logits.data).all()


@pytest.mark.parametrize('path', CONFIGS, ids=lambda p: p.stem)
def test_config_is_whole(path):
    """What the training step above does not touch: data, classes of all heads, schedule, runtime."""
    config = Config.fromfile(path)
    assert config.custom_imports.imports == ['custom_modules'], 'inherit _base_/default_runtime.py'
    for split in ('train', 'val', 'test'):
        loader = config[f'{split}_dataloader']
        dataset = loader.dataset
        while 'pipeline' not in dataset:
            dataset = dataset.dataset
        for step in dataset.pipeline:
            TRANSFORMS.build(step)
        classes = DATASETS.get(dataset.type).METAINFO['classes']
        heads = as_list(config.model.decode_head)
        if config.model.get('auxiliary_head'):
            heads = heads + as_list(config.model.auxiliary_head)
        assert {head.num_classes for head in heads} == {len(classes)}
    assert config.val_evaluator and config.test_evaluator and config.train_cfg and config.param_scheduler
    assert len(path.relative_to(ROOT).parts) == 3 and inheritance_depth(path) <= 4


def inheritance_depth(path):
    """Levels of files above ``_base_`` parts, this one included."""
    text = Config._get_base_files(str(path))
    parents = [p for p in text if '_base_' not in Path(p).parent.name and '/_base_/' not in str(Path(p).resolve())]
    return 1 + max((inheritance_depth(Path(p)) for p in parents), default=0)


def test_config_names_are_unique():
    """``mim`` finds a config by its name alone."""
    names = [p.name for p in CONFIGS]
    assert len(names) == len(set(names))
