"""What the pages for users print runs as it is printed."""
import re
import runpy
import sys
from pathlib import Path

import mmseg
import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.model import revert_sync_batchnorm
from mmseg.registry import DATASETS, MODELS
from PIL import Image

import segfusion
from segfusion.datasets.audit import audit_dataset, heads_of
from tests.references.samples import batch

ROOT = Path(__file__).parents[1]
TOOLS = Path(mmseg.__file__).parent / '.mim' / 'tools'


def block(page, name):
    """The code in front of a mark."""
    text = (ROOT / 'docs' / page).read_text()
    return re.search(rf'```python\n((?:(?!```).)*)```\n<!-- executed: {re.escape(name)} -->', text, re.S).group(1)


def run(monkeypatch, path, *args):
    monkeypatch.setattr(sys, 'argv', [str(path), *map(str, args)])
    try:
        runpy.run_path(str(path), run_name='__main__')
    except SystemExit as end:
        assert not end.code


def test_a_network_in_five_lines_and_its_training(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    Image.fromarray(rng.integers(0, 256, (64, 96, 4), dtype=np.uint8), 'RGBA').save('street.png')
    scope = {}
    exec(block('python.md', 'network'), scope)
    assert scope['labels'].shape == (1, 64, 96) and 0 <= scope['labels'].min() and scope['labels'].max() < 11
    scope = dict(segfusion=segfusion, torch=torch, images=torch.randint(0, 256, (2, 3, 64, 96)),
                 labels=torch.randint(0, 5, (2, 64, 96)))
    exec(block('python.md', 'training'), scope)
    assert 0 < scope['loss'] < 10
    assert all(p.grad is not None for p in scope['model'].parameters())


def test_parts_in_a_plain_module():
    scope = {'__name__': 'page'}
    exec(block('python.md', 'parts'), scope)
    net, image = scope['Net'](4), torch.randint(0, 256, (2, 3, 45, 63)).float()
    logits = net(image)
    assert logits.shape == (2, 4, 45, 63)
    logits.square().mean().backward()
    silent = [name for name, p in net.named_parameters() if p.grad is None or not p.grad.abs().sum() > 0]
    assert not silent
    net.crf.iterations = 0
    assert not torch.allclose(net(image), logits)


def write(page, name, folder, change=lambda text: text):
    path = folder / name
    path.write_text(change(block(page, name).replace("'configs/", f"'{ROOT}/configs/")))
    return path


@pytest.mark.parametrize('name, outputs', [('softmax.py', 2), ('sigmoid.py', 1)])
def test_binary_recipes(name, outputs, tmp_path):
    config = Config.fromfile(write('binary_segmentation.md', name, tmp_path))
    config.model.data_preprocessor.size = (65, 97)
    model = revert_sync_batchnorm(MODELS.build(config.model))
    assert model.out_channels == outputs and [head.num_classes for head in heads_of(model)] == [2]
    data = model.data_preprocessor(batch(2), True)
    torch.optim.SGD(model.parameters(), 0.1)
    model.train()
    first, _ = model.parse_losses(model(**data, mode='loss'))
    optimizer = torch.optim.Adam(model.decode_head.conv_seg.parameters(), 0.5)
    for _ in range(10):  # towards foreground wherever the label is 1: all of it, here
        for sample in data['data_samples']:
            sample.gt_sem_seg.data.fill_(1)
        loss, _ = model.parse_losses(model(**data, mode='loss'))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    prediction = model.eval().test_step(batch(2, n=1))[0].pred_sem_seg.data
    assert torch.isfinite(first) and loss < first and (prediction == 1).all()


def test_one_class_is_two_with_a_sigmoid(tmp_path):
    text = block('binary_segmentation.md', 'sigmoid.py').replace('num_classes=2,\n', 'num_classes=1,\n')
    (tmp_path / 'one.py').write_text(text.replace("'configs/", f"'{ROOT}/configs/"))
    (head, ) = heads_of(MODELS.build(Config.fromfile(tmp_path / 'one.py').model))
    assert (head.num_classes, head.labels) == (1, 2)


def test_own_data_set_from_audit_to_prediction(tmp_path, monkeypatch):
    """Six images; two iterations of a network that is too small to learn, but everything is run."""
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    for split, stems in (('train', 'abcd'), ('val', 'ef')):
        for kind in ('images', 'labels'):
            (tmp_path / 'data/mine' / split / kind).mkdir(parents=True)
        for stem in stems:
            image = rng.integers(0, 256, (72, 96, 3), dtype=np.uint8)
            Image.fromarray(image).save(f'data/mine/{split}/images/{stem}.jpg')
            label = rng.choice([0, 1, 2, 255], (9, 12)).astype(np.uint8).repeat(8, 0).repeat(8, 1)
            Image.fromarray(label).save(f'data/mine/{split}/labels/{stem}.png')
    path = write('own_dataset.md', 'mine.py', tmp_path,
                 lambda text: text.replace('(360, 480)', '(72, 96)').replace('(480, 360)', '(96, 72)'))
    options = ['--cfg-options', 'model.backbone.init_cfg=None', 'model.backbone.base_channels=8', 'model.backbone'
               '.stem_channels=8', 'model.decode_head.in_channels=[8,16,32,64]', 'model.decode_head.channels=16',
               'model.auxiliary_head.in_channels=16', 'model.auxiliary_head.channels=16',
               'model.data_preprocessor.size=(72,96)', 'train_cfg.max_iters=2', 'train_cfg.val_interval=2',
               'default_hooks.checkpoint.interval=2', 'train_dataloader.batch_size=2',
               *(f'{s}_dataloader.num_workers=0' for s in ('train', 'val', 'test')),
               *(f'{s}_dataloader.persistent_workers=False' for s in ('train', 'val', 'test'))]
    config = Config.fromfile(path)
    for loader in (config.train_dataloader, config.val_dataloader):
        (audit, ) = audit_dataset(DATASETS.build(loader.dataset))
        assert audit.problems == [] and audit.classes == ('background', 'cell', 'nucleus')
        assert {0, 1, 2, 255} == set(audit.pixels)
    run(monkeypatch, TOOLS / 'train.py', path, '--work-dir', 'work', *options)
    assert Path('work/iter_2.pth').exists()
    run(monkeypatch, ROOT / 'tools/confusion_matrix.py', path, 'work/iter_2.pth', '--out', 'work/confusion.png',
        *options)
    counts = np.loadtxt('work/confusion.csv', delimiter=',', skiprows=1, usecols=(1, 2, 3))
    labels = np.concatenate([np.array(Image.open(p)).ravel() for p in Path('data/mine/val/labels').iterdir()])
    np.testing.assert_array_equal(counts.sum(1), np.bincount(labels, minlength=256)[:3])
    assert np.array(Image.open('work/confusion.png')).shape[0] > 200
    run(monkeypatch, ROOT / 'tools/predict.py', 'data/mine/val/images', 'out', '--config', path, '--checkpoint',
        'work/iter_2.pth', *options)
    assert np.array(Image.open('out/masks/e.png')).max() < 3
    run(monkeypatch, ROOT / 'tools/browse_dataset.py', path, '--out', 'sheet.png', '--width', '96')
    assert Path('sheet.png').exists()
