"""Every config builds, takes one training step and predicts, at a small odd size."""
import copy
import re
from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmengine.model import revert_sync_batchnorm
from mmengine.optim import build_optim_wrapper
from mmengine.registry import init_default_scope
from mmseg.registry import DATASETS, MODELS, TRANSFORMS

from segfusion.diagnosis.network import EDGES, head_configs
from segfusion.models.segmentors.fitted_encoder_decoder import (
    channel_problem,
    reads_levels,
    run_levels,
)
from tests.optional import skip_if_lacking
from tests.references.samples import batch
from tests.references.shipped import load

ROOT = Path(__file__).parents[1]
CONFIGS = sorted(p for p in ROOT.glob('configs/*/*.py') if p.parent.name != '_base_')
# Configs that differ only in these hold the same network: one of them is trained.
IGNORED = ('num_classes', 'out_channels', 'size', 'test_cfg', 'class_weight', 'depth', 'init_cfg', 'norm_eval',
           'requires_grad', 'with_cp', 'mean', 'std', 'bgr_to_rgb', 'arch', 'img_size', 'num_layers', 'drop_path_rate',
           'window_size', 'prefix', 'image_size', 'widths', 'pad_once', 'stdc_type', 'layer_channels')
# Networks of 100 to 300 million parameters: shapes and gradients only, on the device that holds no numbers.
HEAVY = re.compile(r'vit-[bl]|swin-(base|large)')
SIZE = (65, 97)


def fingerprint(config):
    """What the network is made of, apart from the number of classes and the input size."""
    model = copy.deepcopy(config.model.to_dict())

    def strip(node):
        if isinstance(node, dict):
            return {k: strip(v) for k, v in node.items() if k not in IGNORED}
        return [strip(v) for v in node] if isinstance(node, (list, tuple)) else node

    return repr(strip(model))


def depth(backbone):
    """Something that grows with the depth of a backbone, within its family."""
    if 'arch' in backbone:
        return backbone.arch not in ('tiny', 't', 'b0', 'b1')
    layers = backbone.get('depth', backbone.get('num_layers', 0))
    return layers if isinstance(layers, int) else sum(layers)


def distinct(paths):
    """The shallowest config of every network."""
    configs = {path: load(path) for path in paths}
    seen = {}
    for path in sorted(configs, key=lambda p: (depth(configs[p].model.backbone), p)):
        seen.setdefault(fingerprint(configs[path]), path)
    return sorted(seen.values())


DISTINCT = distinct(CONFIGS)


def as_list(heads):
    """Cascades have several decode heads, deep supervision several auxiliary ones."""
    return list(heads) if isinstance(heads, (list, torch.nn.ModuleList)) else [heads]


def small(config):
    config = copy.deepcopy(config)
    preprocessor = config.model.data_preprocessor
    for key in ('size', 'size_divisor'):
        preprocessor.pop(key, None)
    divisor = preprocessor.get('test_cfg', {}).get('size_divisor', 1)  # of those that take no other size in training
    preprocessor.size = tuple(-(-side // divisor) * divisor for side in SIZE)
    return config


def check_channels(model, config):
    """What is written agrees with a dry run of the backbone, as explain_config and FittedEncoderDecoder say."""
    levels = [level.shape[1] for level in run_levels(model.backbone, model.neck if model.with_neck else None)]
    wrong = [channel_problem(slot, head, levels) for slot, head in head_configs(config)
             if reads_levels(head) and head.get('in_channels') is not None]  # left out: FittedEncoderDecoder's business
    assert not any(wrong), wrong


@pytest.mark.parametrize('path', [p for p in DISTINCT if HEAVY.search(p.stem)], ids=lambda p: p.stem)
def test_heavy_config_fits_together(path, monkeypatch):
    config = Config.fromfile(path)
    init_default_scope('mmseg')
    linspace = torch.linspace  # mmseg reads rates of stochastic depth from a tensor
    monkeypatch.setattr(torch, 'linspace', lambda *args, **kwargs: linspace(*args, device='cpu', **kwargs))
    with torch.device('meta'):
        model = revert_sync_batchnorm(MODELS.build(config.model)).train()
        features = model.extract_feat(torch.empty(2, 3, *config.model.data_preprocessor.size))
        heads = [model.decode_head, *as_list(model.auxiliary_head if model.with_auxiliary_head else [])]
        logits = [head(features) for head in heads]
        sum(one.sum() for one in logits).backward()
    assert all(one.shape[1] == config.model.decode_head.num_classes for one in logits)
    silent = [name for name, p in model.named_parameters() if p.requires_grad and p.grad is None]
    assert not silent, f'no gradient reaches {silent}'


@pytest.mark.parametrize('path', [p for p in DISTINCT if not HEAVY.search(p.stem)], ids=lambda p: p.stem)
def test_config_trains_and_predicts(path):
    config = small(load(path))
    skip_if_lacking(config)
    init_default_scope('mmseg')
    model = revert_sync_batchnorm(MODELS.build(config.model))
    check_channels(model, config.model)
    num_classes = as_list(config.model.decode_head)[-1].num_classes
    optimizer = build_optim_wrapper(model, copy.deepcopy(config.optim_wrapper))
    model.train()
    loss, _ = model.parse_losses(model(**model.data_preprocessor(batch(num_classes, size=SIZE), True), mode='loss'))
    assert torch.isfinite(loss) and loss > 0
    loss.backward()
    silent = [name for name, p in model.named_parameters() if p.requires_grad and p.grad is None]
    assert not silent, f'no gradient reaches {silent}'
    optimizer.step()

    model.eval()
    one = batch(num_classes, n=1, size=SIZE)
    with torch.no_grad():
        result = model.test_step(one)[0]
    prediction = result.pred_sem_seg.data
    assert prediction.shape == (1, *SIZE) and prediction.max() < num_classes
    assert torch.isfinite(result.seg_logits.data).all()


@pytest.mark.parametrize('path', CONFIGS, ids=lambda p: p.stem)
def test_config_is_whole(path):
    """What the training step above does not touch: data, classes of all heads, schedule, runtime."""
    config = load(path)
    assert config.custom_imports.imports == ['segfusion'], 'inherit _base_/default_runtime.py'
    for split in ('train', 'val', 'test'):
        loader = config[f'{split}_dataloader']
        dataset = loader.dataset
        while 'pipeline' not in dataset:
            dataset = dataset.datasets[0] if 'datasets' in dataset else dataset.dataset
        for step in dataset.pipeline:
            TRANSFORMS.build(step)
        classes = DATASETS.get(dataset.type).METAINFO['classes']
        heads = as_list(config.model.decode_head)
        if config.model.get('auxiliary_head'):
            heads = heads + as_list(config.model.auxiliary_head)
        assert {head.num_classes for head in heads if head.type not in EDGES} == {len(classes)}
    assert config.val_evaluator and config.test_evaluator and config.train_cfg and config.param_scheduler
    assert len(path.relative_to(ROOT).parts) == 3 and inheritance_depth(path) <= 3


def inheritance_depth(path):
    """Levels of files above the ``_base_`` parts, this one included."""
    bases = [(path.parent / base).resolve() for base in Config._get_base_files(str(path))]
    return 1 + max((inheritance_depth(base) for base in bases if '_base_' not in base.parts), default=0)


def test_config_names_are_unique():
    """``mim`` finds a config by its name alone."""
    names = [p.name for p in CONFIGS]
    assert len(names) == len(set(names))
