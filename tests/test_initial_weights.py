"""Where the networks of our configs start from: said by the name, there by that name, and filling the trunk."""
import re
from functools import lru_cache
from pathlib import Path

import mmpretrain
import mmseg
import pytest
import torch
import torchvision
from mmengine.runner.checkpoint import get_external_models, get_torchvision_models
from mmseg.models.backbones import ResNet, ResNetV1c
from mmseg.registry import MODELS

from tests.references.shipped import load

ROOT = Path(__file__).parents[1]
CONFIGS = sorted(p for p in ROOT.glob('configs/*/*.py') if p.parent.name != '_base_')
METHODS = dict(sfnet='sfnet_r{}-v1c', sfnet_lite='sfnet-lite_r{}-v1c', alignseg='alignseg_r{}-v1c', gff='gff_r{}-d8')


# Addresses of authors, which no installed package lists: looked at when they were written down here.
AUTHORS = ('github.com/whai362/PVT/releases/download/v2/pvt_', )


@lru_cache(None)
def listed_by_the_host():
    """All that the configs of mmseg and mmpretrain say."""
    folders = [Path(package.__file__).parent / '.mim' / 'configs' for package in (mmseg, mmpretrain)]
    files = (p for folder in folders for p in folder.rglob('*') if p.suffix in ('.py', '.yml', '.yaml'))
    return ''.join(p.read_text() for p in files)


def pretrained(node):
    """(config of a part, name of its weights) of everything in a model that starts from a file."""
    if isinstance(node, dict):
        init_cfg = node.get('init_cfg') or {}
        if isinstance(init_cfg, dict) and init_cfg.get('type') == 'Pretrained':
            yield node, init_cfg['checkpoint']
        assert not node.get('pretrained'), f'{node.get("type")}: pretrained= fetches weights in tests too; use init_cfg'
        node = list(node.values())
    if isinstance(node, (list, tuple)):
        for child in node:
            yield from pretrained(child)


def sources(config):
    """Names of all files that a training begins with."""
    return [name for _, name in pretrained(config.model.to_dict())] + [config.load_from] * bool(config.load_from)


@pytest.mark.parametrize('path', CONFIGS, ids=lambda p: p.stem)
def test_the_name_says_random_weights(path):
    """Our own drawn scenes need no weights and no download: their configs start at random, all of them."""
    if 'street-scenes' in path.stem:
        assert not list(pretrained(load(path).model.to_dict()))
    else:
        assert bool(sources(load(path))) != ('-scratch' in path.stem)


@pytest.mark.parametrize('name', sorted({name for path in CONFIGS for name in sources(load(path))}))
def test_weights_are_there_by_that_name(name):
    """Read from the lists that mmengine, torchvision, timm and mmseg install; nothing is fetched."""
    scheme, _, rest = name.rpartition('://')
    if scheme == 'open-mmlab':
        assert rest in get_external_models()
    elif scheme == 'torchvision':
        assert rest in get_torchvision_models()
    elif scheme == 'timm':
        timm = pytest.importorskip('timm')
        assert rest in timm.list_pretrained() and timm.models.get_pretrained_cfg(rest).has_weights
    elif scheme == 'https':
        host, _, path = rest.partition('/')
        # the forks keep the same files on another host
        assert host == 'download.openmmlab.com' and path in listed_by_the_host() or rest.startswith(AUTHORS)
    elif name.startswith('work_dirs/'):
        assert [p for p in CONFIGS if p.stem == Path(name).parent.name], f'{name}: no config leaves that'
    else:
        assert Path(name).parent == Path(load(CONFIGS[0]).converted_root)


@pytest.mark.parametrize('folder', METHODS)
@pytest.mark.parametrize('depth', [18, 50, 101])
def test_public_trunks_on_three_data_sets(folder, depth):
    for data in ('camvid-360x480', 'cityscapes-*', 'ade20k-512x512'):
        (path, ) = [p for p in (ROOT / 'configs' / folder).glob(f'{METHODS[folder].format(depth)}_?xb*_{data}.py')
                    if '-scratch' not in p.stem]
        assert sources(load(path)) == [f'open-mmlab://resnet{depth}_v1c']
        assert load(path).model.backbone.depth == depth


@lru_cache(None)
def shapes(kind, depth):
    with torch.device('meta'):
        state = (getattr(torchvision.models, f'resnet{depth}')(weights=None) if kind == 'torchvision' else kind(
            depth=depth, norm_cfg=dict(type='BN'))).state_dict()
    return {k: tuple(v.shape) for k, v in state.items() if not k.startswith('fc.')}


def resnets():
    seen = {}
    for path in CONFIGS:
        for part, name in pretrained(load(path).model.to_dict()):
            found = re.fullmatch(r'(open-mmlab|torchvision)://(?:detectron2/)?resnet(\d+)(_v1c|_caffe)?', name)
            if found:
                seen.setdefault(f'{name}, {sorted((k, v) for k, v in part.items() if k != "init_cfg")}',
                                pytest.param(part, found, id=f'{path.stem}-{name}'))
    return list(seen.values())


@pytest.mark.parametrize('part, found', resnets())
def test_shipped_trunks_take_every_tensor_of_their_file(part, found):
    """Dilation, strides and what else a trunk changes rename nothing; a wrong depth or stem would be loaded in part."""
    scheme, depth, kind = found.group(1), int(found.group(2)), found.group(3)
    with torch.device('meta'):
        ours = MODELS.build(dict(part, init_cfg=None)).state_dict()
    wanted = shapes('torchvision' if scheme == 'torchvision' else ResNetV1c if kind == '_v1c' else ResNet, depth)
    assert {k: tuple(v.shape) for k, v in ours.items()} == wanted


@pytest.mark.parametrize('options', [
    dict(strides=(1, 2, 1, 1), dilations=(1, 1, 2, 4)), dict(strides=(1, 2, 1, 1), dilations=(1, 1, 2, 4),
                                                             contract_dilation=True),
    dict(dilations=(1, 1, 1, 2), strides=(1, 2, 2, 1), multi_grid=(1, 2, 4)), dict(with_cp=True, norm_eval=True),
    dict(frozen_stages=1), dict(norm_cfg=dict(type='SyncBN'))])
@pytest.mark.parametrize('depth', [18, 50, 101])
def test_options_of_a_trunk_rename_nothing(depth, options):
    if depth == 18 and 'multi_grid' in options:
        options = dict(options, multi_grid=(1, 2))
    with torch.device('meta'):
        state = MODELS.build(dict(type='ResNetV1c', depth=depth, **options)).state_dict()
    assert {k: tuple(v.shape) for k, v in state.items()} == shapes(ResNetV1c, depth)


@pytest.mark.parametrize('depth', [18, 50, 101])
def test_the_deep_stem_differs_from_the_public_one_in_width_alone(depth):
    with torch.device('meta'):
        wide = MODELS.build(dict(type='DeepStemResNet', depth=depth)).state_dict()
        narrow = MODELS.build(dict(type='DeepStemResNet', depth=depth, stem_channels=64, conv2_dilations=(1, 1, 2, 4),
                                   ceil_mode=True)).state_dict()
    assert {k: tuple(v.shape) for k, v in narrow.items()} == shapes(ResNetV1c, depth)
    # 64 channels in and out of a BasicBlock need no projection
    projection = {k for k in wide if k.startswith('layer1.0.downsample.')} if depth == 18 else set()
    assert set(wide) - projection == set(narrow)
    differing = {k for k, v in narrow.items() if v.shape != wide[k].shape}
    assert all(k.startswith(('stem.', 'layer1.0.conv1.', 'layer1.0.downsample.0.')) for k in differing)
    assert {'stem.0.weight', 'stem.6.weight', 'layer1.0.conv1.weight'} <= differing
