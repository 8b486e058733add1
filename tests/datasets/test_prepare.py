"""Every reader on a miniature in the format in which its data set is published; numbers, refusals, resumption."""
import io
import json
import tarfile
import zipfile

import cv2
import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.runner import Runner
from mmseg.datasets import COCOStuffDataset, PascalContextDataset59
from mmseg.registry import DATASETS
from PIL import Image

from segfusion.datasets import CamVid32Dataset, CamVidDataset
from segfusion.datasets.camvid import COLOURS32, TO_11
from segfusion.datasets.colour_map import colours_to_labels, read_colours, voc_palette
from segfusion.datasets.prepare import RECIPES, prepare
from segfusion.datasets.prepare.common_objects import panoptic_to_semantic, stuff_table
from segfusion.datasets.prepare.run import median_frequency
from tests.datasets.miniatures import (
    CONFIGS,
    MINIATURES,
    RNG_SHAPE,
    encode,
    make_camvid,
    make_coco_panoptic,
    make_coco_stuff10k,
    make_coco_stuff164k,
    make_colours,
    make_nyuv2,
    make_pascal_context,
    make_sunrgbd,
)

H, W = RNG_SHAPE


def make(name, src, dst, **kwargs):
    return prepare(name, RECIPES[name], src, dst, any_count=True, quiet=True, **kwargs)


def png(path):
    image = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    assert image is not None, path
    return image if image.ndim == 2 else image[..., ::-1]


def test_nyuv2_frames_labels_and_splits(tmp_path):
    truth = make_nyuv2(tmp_path / 'src')
    manifest = make('nyuv2', tmp_path / 'src', tmp_path / 'dst')
    assert manifest['counts'] == dict(train=2, test=1)
    for split, numbers in (('train', (1, 3)), ('test', (2, ))):
        for number in numbers:
            stem = f'{split}/{number:04d}.png'
            assert np.array_equal(png(tmp_path / 'dst/images' / stem), truth['images'][number - 1])
            raw = truth['labels'][number - 1]
            for y in range(H):
                for x in range(W):
                    to_40 = truth['to_40'][raw[y, x] - 1] if raw[y, x] else 0
                    to_13 = truth['to_13'][to_40 - 1] if to_40 else 0
                    assert png(tmp_path / 'dst/labels40' / stem)[y, x] == (to_40 - 1) % 256
                    assert png(tmp_path / 'dst/labels13' / stem)[y, x] == (to_13 - 1) % 256


def test_sunrgbd_pairs_by_the_meta_file(tmp_path):
    truth = make_sunrgbd(tmp_path / 'src')
    assert make('sunrgbd', tmp_path / 'src', tmp_path / 'dst')['counts'] == dict(train=2, test=1)
    for i, (split, label, image) in enumerate(truth):
        stem = f'{split}/{i + 1:05d}'
        assert np.array_equal(png(tmp_path / f'dst/labels/{stem}.png').astype(int), (label.astype(int) - 1) % 256)
        assert (tmp_path / f'dst/images/{stem}.jpg').read_bytes() == image


def test_camvid_colours_to_32_and_11(tmp_path):
    truth = make_camvid(tmp_path / 'src')
    assert make('camvid', tmp_path / 'src', tmp_path / 'dst')['counts'] == dict(train=1, val=1, test=2)
    for stem, (split, indices) in truth.items():
        assert np.array_equal(png(tmp_path / f'dst/labels32/{split}/{stem}.png'), indices)
        assert np.array_equal(png(tmp_path / f'dst/labels11/{split}/{stem}.png'), TO_11[indices])


def test_camvid_32_to_11_by_name():
    classes = dict(zip([name for name, _ in COLOURS32], TO_11.tolist()))
    eleven = (*CamVidDataset.METAINFO['classes'], 'void')
    for name, wanted in (('Sky', 'sky'), ('Bridge', 'building'), ('TrafficCone', 'pole'), ('LaneMkgsDriv', 'road'),
                         ('RoadShoulder', 'pavement'), ('VegetationMisc', 'tree'), ('TrafficLight', 'signsymbol'),
                         ('Fence', 'fence'), ('Train', 'car'), ('Animal', 'pedestrian'), ('Void', 'void'),
                         ('MotorcycleScooter', 'bicyclist')):
        assert eleven[classes[name]] == wanted
    assert np.bincount(TO_11).tolist() == [1, 5, 2, 3, 3, 2, 3, 1, 5, 4, 2, 1]
    assert len(CamVid32Dataset.METAINFO['classes']) == 31 and len({c for _, c in COLOURS32}) == 32


def test_coco_stuff_ids_to_classes(tmp_path):
    truth = make_coco_stuff164k(tmp_path / 'src')
    make('coco-stuff164k', tmp_path / 'src', tmp_path / 'dst')
    for (split, stem), values in truth.items():
        got = png(tmp_path / f'dst/annotations/{split}2017/{stem}_labelTrainIds.png')
        names = np.array(COCOStuffDataset.METAINFO['classes'])
        assert (got[values == 255] == 255).all()
        for value, name in ((0, 'person'), (10, 'fire hydrant'), (12, 'stop sign'), (89, 'toothbrush'),
                            (91, 'banner'), (181, 'wood')):
            assert set(names[got[values == value]]) == {name}
    assert sorted(v for v in stuff_table() if v >= 0) == [*range(171), 255]


def test_coco_stuff10k_keeps_zero_for_nothing(tmp_path):
    truth = make_coco_stuff10k(tmp_path / 'src')
    make('coco-stuff10k', tmp_path / 'src', tmp_path / 'dst')
    for (split, stem), ids in truth.items():
        got = png(tmp_path / f'dst/annotations/{split}2014/{stem}_labelTrainIds.png')
        for before, after in ((0, 0), (1, 1), (11, 11), (13, 12), (90, 80), (92, 81), (182, 171)):
            assert set(got[ids == before]) == {after}


def test_coco_panoptic_segments_to_classes(tmp_path):
    truth = make_coco_panoptic(tmp_path / 'src')
    make('coco-panoptic', tmp_path / 'src', tmp_path / 'dst')
    for (split, stem), label in truth.items():
        assert np.array_equal(png(tmp_path / f'dst/annotations/{split}2017/{stem}.png'), label)


def test_pascal_context_goes_by_names(tmp_path):
    truth = make_pascal_context(tmp_path / 'src')
    make('pascal-context', tmp_path / 'src', tmp_path / 'dst')
    for stem, names in truth.items():
        got = png(tmp_path / f'dst/SegmentationClassContext/{stem}.png')
        host = ('', *PascalContextDataset59.METAINFO['classes'])
        assert np.array_equal(np.array(host)[got], np.where(np.isin(names, host), names, ''))
    lists = tmp_path / 'dst/ImageSets/SegmentationContext'
    assert (lists / 'train.txt').read_text() + (lists / 'val.txt').read_text() == '2008_000001\n2008_000002\n'


def test_any_colours(tmp_path):
    table, truth = make_colours(tmp_path / 'src')
    csv = tmp_path / 'colours.csv'
    csv.write_text(table)
    make('colours', tmp_path / 'src', tmp_path / 'dst', colours=csv)
    for (split, stem), indices in truth.items():
        assert np.array_equal(png(tmp_path / f'dst/labels/{split}/{stem}.png'), indices)
    names, palette, _ = read_colours(table)
    assert names == ['ground', 'plant'] and palette == [[10, 20, 30], [0, 200, 0]]


@pytest.mark.parametrize('name', [n for n in MINIATURES if n != 'colours'])
def test_configs_train_on_what_was_prepared(tmp_path, name):
    """Every sample of every split passes the pipelines of the shipped base, so its labels fit its classes."""
    MINIATURES[name](tmp_path / 'src')
    make(name, tmp_path / 'src', tmp_path / 'dst')
    for path in CONFIGS[name]:
        config = Config.fromfile(path)
        for split in ('train', 'val', 'test'):
            dataset = DATASETS.build(dict(config[f'{split}_dataloader'].dataset, data_root=str(tmp_path / 'dst'),
                                          serialize_data=False))
            assert len(dataset) >= 1
            for i in range(len(dataset)):
                sample = dataset[i]
                label = sample['data_samples'].gt_sem_seg.data
                assert (label != 255).any() and label[label != 255].max() < len(dataset.metainfo['classes'])


@pytest.mark.parametrize('name', ['nyuv2', 'sunrgbd', 'camvid', 'coco-stuff10k', 'coco-panoptic', 'pascal-context'])
def test_two_iterations_and_three_scores(tmp_path, name):
    """Train and test a tiny network on the miniature by mmengine's runner; the scores are mIoU, mAcc and aAcc."""
    MINIATURES[name](tmp_path / 'src')
    make(name, tmp_path / 'src', tmp_path / 'dst')
    config = Config.fromfile(CONFIGS[name][0])
    for split in ('train', 'val', 'test'):
        loader = config[f'{split}_dataloader']
        loader.update(num_workers=0, persistent_workers=False, batch_size=2 if split == 'train' else 1)
        loader.dataset.update(data_root=str(tmp_path / 'dst'), serialize_data=False)
        steps = loader.dataset.pipeline
        for step in [*steps, *(step[part] for step in steps for part in ('resize', 'crop') if part in step)]:
            if 'scale' in step:  # images as small as the miniature's
                step.scale = (W, H)
            if 'crop_size' in step:
                step.crop_size = (16, 16)
    classes = len(DATASETS.get(config.train_dataloader.dataset.type).METAINFO['classes'])
    norm = dict(type='BN')
    config.merge_from_dict(dict(
        default_scope='mmseg', work_dir=str(tmp_path / 'work'), custom_imports=dict(imports=['segfusion']),
        model=dict(
            type='EncoderDecoder',
            data_preprocessor=dict(type='SegDataPreProcessor', size=(16, 16), pad_val=0, seg_pad_val=255),
            backbone=dict(type='ResNetV1c', depth=18, base_channels=4, stem_channels=4, norm_cfg=norm),
            decode_head=dict(type='SFNetHead', in_channels=[4, 8, 16, 32], channels=8, num_classes=classes,
                             norm_cfg=norm, align_corners=True, in_index=[0, 1, 2, 3]),
            train_cfg=dict(), test_cfg=dict(mode='whole')),
        optim_wrapper=dict(type='OptimWrapper', optimizer=dict(type='SGD', lr=.01)),
        train_cfg=dict(type='IterBasedTrainLoop', max_iters=2, val_interval=2), val_cfg=dict(type='ValLoop'),
        test_cfg=dict(type='TestLoop'), log_level='ERROR', experiment_name=f'mini_{name}_{tmp_path.name}'))
    runner = Runner.from_cfg(config)
    before = runner.model.decode_head.conv_seg.weight.detach().clone()
    runner.train()
    assert not torch.equal(before, runner.model.decode_head.conv_seg.weight)
    scores = runner.test()
    assert {'mIoU', 'mAcc', 'aAcc'} <= scores.keys() and 0 <= scores['aAcc'] <= 100


def test_a_run_that_was_cut_off_is_continued(tmp_path, monkeypatch):
    """Half a result has another name; the second run writes only what is missing, and weights count all."""
    make_nyuv2(tmp_path / 'src')
    from segfusion.datasets.prepare import run
    written = []

    def fail_on_second(path, data, whole=run.write_whole):
        if path.name == '0003.png':
            raise OSError(28, 'No space left on device')
        written.append(path.name)
        whole(path, data)

    with monkeypatch.context() as patch:
        patch.setattr(run, 'write_whole', fail_on_second)
        with pytest.raises(OSError, match='No space left'):
            make('nyuv2', tmp_path / 'src', tmp_path / 'dst')
    assert not (tmp_path / 'dst').exists() and '0001.png' in written
    before = (tmp_path / 'dst.partial/images/train/0001.png').stat().st_mtime_ns
    make('nyuv2', tmp_path / 'src', tmp_path / 'dst')
    assert (tmp_path / 'dst/images/train/0001.png').stat().st_mtime_ns == before
    assert not (tmp_path / 'dst.partial').exists() and not (tmp_path / 'dst/preparing.json').exists()
    make('nyuv2', tmp_path / 'src', tmp_path / 'at_once')
    weights = 'labels40_median_frequency.json'
    assert (tmp_path / 'dst' / weights).read_text() == (tmp_path / 'at_once' / weights).read_text()
    assert make('nyuv2', tmp_path / 'src', tmp_path / 'dst')['already']


def test_nothing_is_overwritten(tmp_path):
    make_nyuv2(tmp_path / 'src')
    (tmp_path / 'dst').mkdir()
    (tmp_path / 'dst/mine.txt').write_text('mine')
    with pytest.raises(FileExistsError, match='nothing is overwritten'):
        make('nyuv2', tmp_path / 'src', tmp_path / 'dst')
    (tmp_path / 'other.partial').mkdir()
    (tmp_path / 'other.partial/mine.txt').write_text('mine')
    with pytest.raises(FileExistsError, match='was not begun by this command'):
        make('nyuv2', tmp_path / 'src', tmp_path / 'other')
    make('nyuv2', tmp_path / 'src', tmp_path / 'good')
    with pytest.raises(FileExistsError, match='holds nyuv2, prepared before'):
        make('sunrgbd', tmp_path / 'src', tmp_path / 'good')


def test_counts_and_checksums(tmp_path):
    make_nyuv2(tmp_path / 'src')
    with pytest.raises(ValueError, match='nyu_depth_v2_labeled.mat has MD5 .* expected 520609c5'):
        prepare('nyuv2', RECIPES['nyuv2'], tmp_path / 'src', tmp_path / 'dst', quiet=True)
    make_camvid(tmp_path / 'camvid')
    with pytest.raises(ValueError, match='expected 233 images of test, 367 images of train, 101 images of val of Cam'):
        prepare('camvid', RECIPES['camvid'], tmp_path / 'camvid', tmp_path / 'dst', quiet=True)
    assert not (tmp_path / 'dst').exists() and not (tmp_path / 'dst.partial').exists()


@pytest.mark.parametrize('name, lost', [('nyuv2', 'splits.mat'), ('nyuv2', 'classMapping40.mat'),
                                        ('sunrgbd', 'SUNRGBDMeta2DBB_v2.mat'), ('pascal-context', 'labels.txt'),
                                        ('camvid', 'LabeledApproved_full.zip')])
def test_a_missing_file_is_named_with_its_source(tmp_path, name, lost):
    MINIATURES[name](tmp_path / 'src')
    (tmp_path / 'src' / lost).unlink()
    with pytest.raises(FileNotFoundError) as error:
        make(name, tmp_path / 'src', tmp_path / 'dst')
    assert lost in str(error.value) or '_L.png' in str(error.value)
    assert RECIPES[name].where in str(error.value)


@pytest.mark.parametrize('name, file', [('nyuv2', 'nyu_depth_v2_labeled.mat'), ('nyuv2', 'splits.mat'),
                                        ('sunrgbd', 'SUNRGBD.zip'), ('camvid', '701_StillsRaw_full.zip'),
                                        ('pascal-context', 'trainval.tar.gz'),
                                        ('pascal-context', 'VOCtrainval_03-May-2010.tar')])
def test_a_truncated_download_is_named(tmp_path, name, file):
    MINIATURES[name](tmp_path / 'src')
    path = tmp_path / 'src' / file
    path.write_bytes(path.read_bytes()[:path.stat().st_size // 3])
    with pytest.raises(ValueError, match=f'{file}.* (cut off|damaged).*download it again'):
        make(name, tmp_path / 'src', tmp_path / 'dst')


def test_a_damaged_member_is_named(tmp_path):
    make_camvid(tmp_path / 'src')
    path = tmp_path / 'src/LabeledApproved_full.zip'
    data = bytearray(path.read_bytes())
    data[200] ^= 255
    path.write_bytes(data)
    with pytest.raises(ValueError, match='LabeledApproved_full.zip is cut off or damaged'):
        make('camvid', tmp_path / 'src', tmp_path / 'dst')


def test_unknown_colours_are_listed_or_ignored(tmp_path):
    make_camvid(tmp_path / 'src', stray=(1, 2, 3))
    with pytest.raises(ValueError, match=r'_L.png: 1 colours are in no class: \(1, 2, 3\) at 1 pixels.*--unknown-colo'):
        make('camvid', tmp_path / 'src', tmp_path / 'dst')
    make('camvid', tmp_path / 'src', tmp_path / 'void', unknown_colours='void')
    labels = [png(p) for p in (tmp_path / 'void/labels32').rglob('*.png')]
    assert any(label[0, 0] == 31 for label in labels)


def test_sizes_that_differ_are_named(tmp_path):
    make_camvid(tmp_path / 'src')
    with zipfile.ZipFile(tmp_path / 'src/701_StillsRaw_full.zip', 'w') as archive:
        for stem in ('0001TP_006690', '0016E5_07959', '0001TP_008550', 'Seq05VD_f00000'):
            archive.writestr(f'{stem}.png', encode(np.zeros((H + 1, W, 3), np.uint8)))
    with pytest.raises(ValueError, match='image and label differ in size'):
        make('camvid', tmp_path / 'src', tmp_path / 'dst')


def test_frames_of_another_data_set_are_named(tmp_path):
    make_camvid(tmp_path / 'src', first='frankfurt_000000')
    with pytest.raises(ValueError, match='frankfurt_000000: expected a frame of 0001TP'):
        make('camvid', tmp_path / 'src', tmp_path / 'dst')


def test_labels_out_of_the_mapping_are_named(tmp_path):
    make_nyuv2(tmp_path / 'src', highest=895)
    with pytest.raises(ValueError, match='frame 1: expected labels 0..894 but found 895'):
        make('nyuv2', tmp_path / 'src', tmp_path / 'dst')


def test_a_wrong_shape_in_the_mat_file_is_named(tmp_path):
    h5py = pytest.importorskip('h5py')
    make_nyuv2(tmp_path / 'src')
    with h5py.File(tmp_path / 'src/nyu_depth_v2_labeled.mat', 'a') as file:
        del file['labels']
        file['labels'] = np.zeros((3, W + 1, H), np.uint16)
    with pytest.raises(ValueError, match=r'expected images \(N, 3, W, H\) and labels \(N, W, H\) but found'):
        make('nyuv2', tmp_path / 'src', tmp_path / 'dst')


def test_panoptic_ids_without_a_segment_are_named():
    ids = np.zeros((2, 2, 3), np.uint8)
    ids[0, 0] = (1, 2, 3)  # 1 + 2 * 256 + 3 * 65536
    segments = [dict(id=1 + 512 + 3 * 65536, category_id=200)]
    assert panoptic_to_semantic(ids, segments, {200: 132}, 'a.png').tolist() == [[132, 255], [255, 255]]
    with pytest.raises(ValueError, match='a.png: the segment ids 197121 are not in the JSON file'):
        panoptic_to_semantic(ids, [], {}, 'a.png')
    with pytest.raises(ValueError, match='category 200 is not in the categories'):
        panoptic_to_semantic(ids, segments, {}, 'a.png')


@pytest.mark.parametrize('text, message', [
    ('a,b\n1,2\n', 'expected the columns name,r,g,b'),
    ('name,r,g,b\nx,1,2,y\n', 'line 2: expected whole numbers'),
    ('name,r,g,b\nx,1,2,300\n', r'line 2: expected numbers of 0..255'),
    ('name,r,g,b\nx,1,2,3\ny,1,2,3\n', r'line 3: the colour \(1, 2, 3\) stands there twice'),
    ('name,r,g,b,index\nx,1,2,3,0\ny,1,2,4,2\n', r'indices 0..1 without gaps but found \[0, 2\]'),
])
def test_bad_colour_tables_are_refused(text, message):
    with pytest.raises(ValueError, match=message):
        read_colours(text)


def test_masks_of_indices_are_no_masks_of_colours():
    with pytest.raises(ValueError, match=r'expected a mask of colours, shape \(height, width, 3\), but got \(2, 3\)'):
        colours_to_labels(np.zeros((2, 3), np.uint8), {(0, 0, 0): 0}, 'm.png')


def test_voc_palette():
    assert voc_palette(4, first=0) == [[0, 0, 0], [128, 0, 0], [0, 128, 0], [128, 128, 0]]
    assert voc_palette(1, first=20) == [[0, 64, 128]]
    assert len({tuple(c) for c in voc_palette(133)}) == 133


def test_median_frequency_by_hand():
    # class 0: 30 of the 100 pixels of its images; class 1: 10 of 100; class 2: 20 of 40; class 3: never
    assert median_frequency(np.array([[30, 10, 20, 0], [100, 100, 40, 0]])) == [1.0, 3.0, 0.6, 0.0]


def test_unpacked_folders_do_as_well_and_may_be_linked(tmp_path):
    make_camvid(tmp_path / 'src')
    archives = list((tmp_path / 'src').glob('*.zip'))
    for path in archives:
        zipfile.ZipFile(path).extractall(tmp_path / 'src')
    with pytest.raises(ValueError, match='is in .* 2 times .unpacked and packed'):
        make('camvid', tmp_path / 'src', tmp_path / 'twice')
    for path in archives:
        path.unlink()
    make('camvid', tmp_path / 'src', tmp_path / 'dst', link=True)
    image = tmp_path / 'dst/images/train/0001TP_006690.png'
    assert image.is_symlink() and png(image).shape == (H, W, 3)


def test_the_command_says_licence_and_source(capsys, monkeypatch, tmp_path):
    import runpy
    from pathlib import Path
    tool = str(Path(__file__).parents[2] / 'tools/prepare_dataset.py')

    def command(*args):
        monkeypatch.setattr('sys.argv', ['prepare_dataset.py', *map(str, args)])
        with pytest.raises(SystemExit) as end:
            runpy.run_path(tool, run_name='__main__')
        return end.value.code, *capsys.readouterr()

    code, out, _ = command('camvid')
    assert code == 0 and RECIPES['camvid'].licence in out and RECIPES['camvid'].where in out
    code, _, err = command('camvid', tmp_path / 'nowhere', tmp_path / 'dst')
    assert code == 1 and 'there is nothing' in err
    make_camvid(tmp_path / 'src')
    code, out, _ = command('camvid', tmp_path / 'src', tmp_path / 'dst', '--any-count')
    assert code == 0 and 'whole (' in out and '2 test' in out
    assert json.loads((tmp_path / 'dst/prepared.json').read_text())['name'] == 'camvid'


def test_miniatures_are_in_the_published_formats(tmp_path):
    """So that the tests above say something about the originals."""
    make_nyuv2(tmp_path / 'nyu')
    assert (tmp_path / 'nyu/nyu_depth_v2_labeled.mat').read_bytes()[:4] == b'\x89HDF'
    assert (tmp_path / 'nyu/splits.mat').read_bytes()[:10] == b'MATLAB 5.0'
    make_pascal_context(tmp_path / 'voc')
    assert tarfile.is_tarfile(tmp_path / 'voc/trainval.tar.gz')
    make_coco_panoptic(tmp_path / 'coco')
    with zipfile.ZipFile(tmp_path / 'coco/panoptic_annotations_trainval2017.zip') as outer:
        with zipfile.ZipFile(io.BytesIO(outer.read('annotations/panoptic_train2017.zip'))) as inner:
            assert Image.open(io.BytesIO(inner.read(inner.namelist()[0]))).mode == 'RGB'
