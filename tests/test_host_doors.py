"""mmseg's own front doors take our configs: ``init_model`` and its friends, ``mim test --tta``, the tools."""
import runpy
import subprocess
import sys
from pathlib import Path

import mmseg
import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.model import revert_sync_batchnorm
from mmseg.apis import MMSegInferencer, inference_model, init_model, show_result_pyplot
from mmseg.registry import DATASETS, MODELS
from PIL import Image

from tests.references.shipped import load

ROOT = Path(__file__).parents[1]
TOOLS = Path(mmseg.__file__).parent / '.mim' / 'tools'
TINY = """
_base_ = ['{root}/configs/_base_/models/fcn_r18-d32.py', '{data}',
          '{root}/configs/_base_/schedules/schedule_1k.py', '{root}/configs/_base_/default_runtime.py']
model = dict(
    backbone=dict(base_channels=4, strides=(1, 2, 1, 1), init_cfg=None),
    decode_head=dict(in_channels=32, channels=8, num_classes={classes}))
"""
STREET = ROOT / 'configs/_base_/datasets/street_scenes.py'
FEW = """
size = (48, 64)
{split}_dataloader = dict(
    num_workers=0, persistent_workers=False, dataset=dict(size=size, num_images=2))
"""


def datasets():
    """The first base file of every data set; the others differ in their training."""
    first = {}
    for path in sorted((ROOT / 'configs/_base_/datasets').glob('*.py')):
        config = Config.fromfile(path)
        if 'test_dataloader' in config:
            first.setdefault(repr(config.test_dataloader.dataset), path)
    return list(first.values())


def tiny(folder, data=STREET, more=''):
    """(config file, checkpoint) of a small FCN for the classes of a data set base."""
    meta = DATASETS.get(Config.fromfile(data).test_dataloader.dataset.type).METAINFO
    path = folder / 'tiny.py'
    path.write_text(TINY.format(root=ROOT, data=data, classes=len(meta['classes'])) + more)
    model = revert_sync_batchnorm(MODELS.build(Config.fromfile(path).model))
    for norm in model.modules():
        norm.momentum = 1.
    model.decode_head.conv_seg.weight.data.normal_()
    with torch.no_grad():  # statistics for which labels differ from pixel to pixel
        model.train()(torch.nn.functional.interpolate(torch.randn(4, 3, 6, 8), size=(96, 128), mode='bilinear'))
    torch.save(dict(state_dict=model.state_dict(), meta=dict(dataset_meta=dict(meta))), folder / 'tiny.pth')
    return str(path), str(folder / 'tiny.pth')


def run_tool(monkeypatch, name, *args):
    monkeypatch.setattr(sys, 'argv', [name, *map(str, args)])
    runpy.run_path(str(TOOLS / name), run_name='__main__')


@pytest.fixture
def streets(tmp_path, monkeypatch):
    """The folder of drawn scenes, as small and few as the config says."""
    monkeypatch.setenv('STREET_SCENES_ROOT', str(tmp_path / 'streets'))
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize('data', datasets(), ids=lambda p: p.stem)
def test_init_model_and_inferencer_predict_with_every_data_set(data, tmp_path):
    config, checkpoint = tiny(tmp_path, data)
    picture = tmp_path / 'street.png'
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (48, 64, 3), dtype=np.uint8)).save(picture)
    model = init_model(config, checkpoint, 'cpu')
    from_file = inference_model(model, str(picture))
    from_array = inference_model(model, np.array(Image.open(picture))[..., ::-1].copy())
    labels = from_file.pred_sem_seg.data[0].numpy()
    assert from_file.seg_logits.data.shape == (len(model.dataset_meta['classes']), 48, 64)
    np.testing.assert_array_equal(labels, from_array.pred_sem_seg.data[0].numpy())
    show_result_pyplot(model, str(picture), from_file, show=False, out_file=str(tmp_path / 'shown.png'))
    assert np.array(Image.open(tmp_path / 'shown.png')).shape == (48, 64, 3)
    inferencer = MMSegInferencer(config, checkpoint, device='cpu')
    np.testing.assert_array_equal(inferencer(str(picture))['predictions'], labels)


SLIDE = "model['test_cfg'] = dict(mode='slide', crop_size=(40, 48), stride=(24, 32))\n"
REFINED = "model['type'] = 'RefinedEncoderDecoder'\nmodel['refiner'] = dict(type='CRFAsRNN', test_iterations=2)\n"


@pytest.mark.parametrize('more', ['', SLIDE, REFINED, SLIDE + REFINED], ids=['whole', 'slide', 'crf', 'slide-crf'])
def test_tta_is_the_mean_over_scales_and_mirror_images(more, tmp_path, monkeypatch, streets):
    config, checkpoint = tiny(tmp_path, more=FEW.format(split='test') + more)
    run_tool(monkeypatch, 'test.py', config, checkpoint, '--tta', '--work-dir', tmp_path / 'work', '--out',
             tmp_path / 'out')
    config = Config.fromfile(config)
    model = init_model(config, checkpoint, 'cpu')
    dataset = DATASETS.build(config.test_dataloader.dataset)
    ratios = [resize.scale_factor for resize in config.tta_pipeline[1].transforms[0]]
    assert len(ratios) == 6
    for i in range(2):
        image = np.array(Image.open(dataset[i]['data_samples'].img_path))[..., ::-1].copy()
        total = 0
        for ratio in ratios:
            for mirror in (0., 1.):
                steps = [dict(type='LoadImageFromNDArray'),
                         dict(type='Resize', scale_factor=ratio, keep_ratio=True),
                         dict(type='RandomFlip', prob=mirror, direction='horizontal'), dict(type='PackSegInputs')]
                model.cfg.test_pipeline = steps
                total = total + inference_model(model, image).seg_logits.data.softmax(0)
        written = np.array(Image.open(tmp_path / 'out' / Path(dataset[i]['data_samples'].img_path).name))
        assert len(np.unique(written)) > 1
        np.testing.assert_array_equal(written, total.argmax(0).numpy())


def test_mim_tests_with_tta_and_still_refuses_what_does_not_fit(tmp_path, monkeypatch, streets):
    config, checkpoint = tiny(tmp_path, more=FEW.format(split='test'))
    command = [sys.executable, '-m', 'mim', 'test', 'mmseg', config, '--checkpoint', checkpoint, '--tta', '--work-dir',
               str(tmp_path / 'work')]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0 and 'mIoU' in done.stdout, done.stdout + done.stderr
    torch.save(dict(state_dict={}, meta={}), checkpoint)
    with pytest.raises(ValueError, match=r'does not fit this config: .* tensors missing \(backbone.conv1.weight'):
        run_tool(monkeypatch, 'test.py', config, checkpoint, '--tta', '--work-dir', tmp_path / 'work')


@pytest.mark.parametrize('path', sorted(ROOT.glob('configs/[!_]*/*.py')), ids=lambda p: p.stem)
def test_every_config_has_what_tta_needs(path):
    config = load(path)
    assert config.tta_model.type == 'ProbabilityTTAModel' and config.tta_pipeline[1].type == 'TestTimeAug'


def test_tools_of_mmseg_take_our_configs(tmp_path, monkeypatch, capsys, streets):
    """What docs/host_tools.md says of each."""
    more = FEW.format(split='train') + FEW.format(split='test') + 'model.update(data_preprocessor=dict(size=size))\n'
    config, checkpoint = tiny(tmp_path, more=more)
    run_tool(monkeypatch, 'analysis_tools/get_flops.py', config, '--shape', 48, 64)
    run_tool(monkeypatch, 'misc/print_config.py', config)
    said = capsys.readouterr().out
    assert 'Flops: ' in said and "type='StreetScenes'" in said
    run_tool(monkeypatch, 'analysis_tools/browse_dataset.py', config, '--not-show', '--output-dir', tmp_path / 'seen')
    assert len(list((tmp_path / 'seen').iterdir())) == 2
    run_tool(monkeypatch, 'test.py', config, checkpoint, '--work-dir', tmp_path / 'work', '--out', tmp_path / 'out')
    run_tool(monkeypatch, 'analysis_tools/confusion_matrix.py', config, tmp_path / 'out', tmp_path / 'theirs')
    assert (tmp_path / 'theirs' / 'confusion_matrix.png').exists()
    capsys.readouterr()
    with pytest.warns(RuntimeWarning):  # of two images
        run_tool(monkeypatch, 'analysis_tools/benchmark.py', config, checkpoint, '--work-dir', tmp_path / 'work')
    assert 'Average fps of 1 evaluations: nan' in capsys.readouterr().out


def test_curves_of_a_log(tmp_path, monkeypatch):
    pytest.importorskip('seaborn', reason='analyze_logs needs it: pip install "segfusion[tools]"')
    log = tmp_path / 'scalars.json'
    log.write_text(''.join(f'{{"loss": {9 - i}, "iter": {i}, "step": {i}}}\n' for i in range(1, 9)))
    run_tool(monkeypatch, 'analysis_tools/analyze_logs.py', log, '--keys', 'loss', '--out', tmp_path / 'curve.png')
    assert (tmp_path / 'curve.png').exists()
