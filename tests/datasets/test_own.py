"""What people have becomes labels, pixel by pixel, and a config that trains."""
import json
import runpy
import shutil
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from matplotlib.path import Path as Outline
from mmengine.config import Config
from mmseg.registry import DATASETS, RUNNERS
from PIL import Image

from segfusion.datasets.audit import audit_dataset
from segfusion.datasets.camvid import CLASSES, PALETTE
from segfusion.datasets.own import new_dataset
from segfusion.datasets.own.splits import deal
from segfusion.datasets.own.truth import inside
from segfusion.datasets.own.write import class_weights, crop_of
from segfusion.datasets.scenes import render_scene
from segfusion.diagnosis.loading import load_config

ROOT = Path(__file__).parents[2]
COLOURS = np.array([*PALETTE, [0, 0, 0]], np.uint8)  # and void
CSV = 'name,r,g,b,index\n' + ''.join(
    f'{name},{r},{g},{b},{index}\n'
    for name, (r, g, b), index in zip([*CLASSES, 'void'], COLOURS.tolist(), [*range(11), 255]))
TINY = ['model.backbone.init_cfg=None', 'model.backbone.base_channels=8', 'model.backbone.stem_channels=8',
        'model.decode_head.in_channels=[8,16,32,64]', 'model.decode_head.channels=16',
        'model.auxiliary_head.in_channels=16', 'model.auxiliary_head.channels=16', 'train_cfg.max_iters=2',
        'train_cfg.val_interval=2', 'default_hooks.checkpoint.interval=2', 'train_dataloader.batch_size=2',
        *(f'{s}_dataloader.num_workers=0' for s in ('train', 'val', 'test')),
        *(f'{s}_dataloader.persistent_workers=False' for s in ('train', 'val', 'test'))]


class Own:
    """A user's folders, and the command on them; ``truth`` holds the labels that have to come out."""

    def __init__(self, folder):
        self.folder, self.truth = folder, {}
        self.images, self.masks = folder / 'images', folder / 'masks'
        self.images.mkdir()
        self.masks.mkdir()

    def add(self, name, label, mask=None, suffix='.png'):
        """An image with the truth ``label``, and its mask (an image, or an array)."""
        noise = np.random.default_rng(len(self.truth)).integers(0, 256, (*label.shape, 3), dtype=np.uint8)
        Image.fromarray(noise).save(self.images / f'{name}.jpg')
        if mask is not None:
            (mask if isinstance(mask, Image.Image) else Image.fromarray(mask)).save(self.masks / f'{name}{suffix}')
        self.truth[name] = label

    def make(self, masks=None, **options):
        return new_dataset(self.images, masks or self.masks, ROOT / 'configs', out=self.folder / 'out',
                           data=self.folder / 'data', **options)

    def check(self, made, config=None):
        """Every pixel that the config's data sets load is the truth, and the audit has nothing to say."""
        config = config or Config.fromfile(made.config)
        seen = []
        for split in ('train', 'val', 'test'):
            dataset = DATASETS.build(dict(config[f'{split}_dataloader'].dataset, serialize_data=False))
            (audit, ) = audit_dataset(dataset)
            assert audit.problems == [] and audit.classes == tuple(made.legend.classes)
            dataset.pipeline.transforms = dataset.pipeline.transforms[:3]  # load and check
            for i in range(len(dataset)):
                sample = dataset[i]
                name = Path(sample['img_path']).stem
                np.testing.assert_array_equal(sample['gt_seg_map'], self.truth[name])
                seen.append(name)
        assert sorted(seen) == sorted(self.truth)
        return config


@pytest.fixture
def own(tmp_path):
    return Own(tmp_path)


def blocks(values, seed, shape=(40, 56)):
    """Random 8x8 blocks of values."""
    small = np.random.default_rng(seed).choice(values, (shape[0] // 8, shape[1] // 8))
    return small.repeat(8, 0).repeat(8, 1).astype(np.uint8)


def few_pairs(own, values=(0, 1, 2, 255), mask=lambda label: label, count=6, suffix='.png'):
    for i in range(count):
        label = blocks(values, i)
        own.add(f'f{i}', label, mask(label), suffix)


def run(config, options, work):
    config = load_config(str(config), options)
    config.work_dir = str(work)
    runner = RUNNERS.get(config.runner_type).from_cfg(config)
    runner.train()
    return runner


@pytest.fixture(scope='module')
def scenes():
    return [render_scene('train', i, (48, 64)) for i in range(12)]


@pytest.fixture
def streets(own, scenes):
    """Twelve drawn scenes whose truth is RGB, as CamVid was published."""
    for i, (image, label) in enumerate(scenes):
        assert label.max() <= 11
        own.add(f's{i:02}', np.where(label == 11, 255, label).astype(np.uint8), COLOURS[label])
        Image.fromarray(image).save(own.images / f's{i:02}.jpg')
    (own.folder / 'colours.csv').write_text(CSV)
    return own


def test_colours_are_asked_for_with_a_file_to_fill_in(streets):
    with pytest.raises(ValueError, match='save the lines below as colours.csv') as caught:
        streets.make()
    lines = str(caught.value).splitlines()[1:]
    values = np.unique([np.where(label == 255, 11, label) for label in streets.truth.values()])
    assert lines[0] == 'name,r,g,b,index'
    assert sorted([int(v) for v in line.split(',')[1:4]] for line in lines[1:]) == sorted(COLOURS[values].tolist())
    assert not (streets.folder / 'out').exists() and not (streets.folder / 'data').exists()


def test_street_colours_become_labels_and_train(streets, monkeypatch):
    made = streets.make(colours=streets.folder / 'colours.csv', weighted=True)
    assert made.converted and made.legend.palette == PALETTE
    assert [len(made.splits[s]) for s in ('train', 'val', 'test')] == [8, 2, 2]
    config = streets.check(made)
    assert config.crop_size == (64, 64) and config.train_pipeline[3].resize.scale == (64, 48)
    trained_on = np.concatenate([streets.truth[n].ravel() for n in made.splits['train']])
    pixels = np.bincount(trained_on, minlength=256)[:11]
    share = pixels / pixels.sum()
    weights = np.array([1 / np.log(1.02 + s) for s in share])
    found = config.model.decode_head.loss_decode.class_weight
    np.testing.assert_allclose(found, weights / (share @ weights), atol=1e-3)
    assert config.model.auxiliary_head.loss_decode.class_weight == found
    runner = run(made.config, TINY, streets.folder / 'work')
    assert runner.iter == 2 and (streets.folder / 'work' / 'iter_2.pth').exists()
    scores = runner.message_hub.get_scalar('val/mIoU').current()
    assert 0 <= scores <= 100


def test_blended_colours_are_refused_counted_and_settled(own):
    """One anti-aliased column between two colours."""
    red, blue = np.array([255, 0, 0], np.uint8), np.array([0, 0, 255], np.uint8)
    label = np.zeros((16, 20), np.uint8)
    label[:, 10:] = 1
    mask = np.where(label[..., None] == 1, blue, red)
    mask[:, 9] = [200, 0, 55]
    mask[:, 10] = [55, 0, 200]
    for i in range(3):
        own.add(f'{i}', label, mask)
    (own.folder / 'c.csv').write_text('name,r,g,b\nred,255,0,0\nblue,0,0,255\n')
    with pytest.raises(ValueError, match=r'2 colours are not in .*10.000% of all pixels.*\(55, 0, 200\) 48 pixels'):
        own.make(colours=own.folder / 'c.csv')
    made = own.make(colours=own.folder / 'c.csv', unknown_colours='nearest')
    own.check(made)
    own.truth = {n: np.where(np.isin(np.arange(20), (9, 10))[None], 255, t) for n, t in own.truth.items()}
    made = new_dataset(own.images, own.masks, ROOT / 'configs', out=own.folder / 'out2', data=own.folder / 'data2',
                       colours=own.folder / 'c.csv', unknown_colours='void')
    own.check(made)


@pytest.mark.parametrize('mode', ['L', 'RGB', '1', 'RGBA'])
def test_masks_of_0_and_255_are_two_classes(own, mode):
    few_pairs(own, (0, 1), lambda label: Image.fromarray(label * 255).convert(mode))
    with pytest.raises(ValueError, match='--classes NAME0 NAME'):
        own.make()
    made = own.make(classes=['background', 'cell'])
    assert made.converted
    own.check(made)


def test_binary_set_trains(own):
    few_pairs(own, (0, 1), lambda label: label * 255)
    made = own.make(classes=['background', 'cell'])
    runner = run(made.config, TINY, own.folder / 'work')
    assert runner.iter == 2 and runner.model.decode_head.num_classes == 2


def test_labels_are_used_where_they_are(own):
    few_pairs(own)
    made = own.make(classes=['a', 'b', 'c'])
    assert not made.converted and made.masks == own.masks and not (own.folder / 'data').exists()
    own.check(made)
    assert 'value 255 is ignored' in made.report


def palette_mask(label, colours):
    mask = Image.fromarray(label)
    mask.putpalette(colours)
    return mask


def test_palette_gives_labels_and_colours(own):
    colours = [10, 20, 30, 200, 0, 0, 0, 200, 0]
    few_pairs(own, (0, 1, 2), lambda label: palette_mask(label, colours))
    made = own.make(classes=['a', 'b', 'c'])
    assert not made.converted and made.legend.palette == [[10, 20, 30], [200, 0, 0], [0, 200, 0]]
    own.check(made)


def test_palette_of_other_numbers_is_converted(own):
    few_pairs(own, (0, 1, 255), lambda label: palette_mask(np.choose(label.clip(0, 2), [7, 9, 21]).astype(np.uint8),
                                                           list(range(66))))
    made = own.make(classes=['a', 'b'], void=['21'])
    assert made.converted and made.legend.palette == [[21, 22, 23], [27, 28, 29]]
    own.check(made)


def test_palettes_that_differ_are_read_by_colour(own):
    """Quantised images number their colours as they come."""
    for i in range(4):
        label = blocks((0, 1), i)
        first, second = ([0, 0, 0], [255, 0, 0])
        mask = palette_mask(label, first + second) if i % 2 else palette_mask(1 - label, second + first)
        own.add(f'{i}', label, mask)
    with pytest.raises(ValueError, match='give one number several colours'):
        own.make(classes=['a', 'b'])
    (own.folder / 'c.csv').write_text('name,r,g,b\nblack,0,0,0\nred,255,0,0\n')
    own.check(own.make(colours=own.folder / 'c.csv'))


def test_16_bit_numbers_become_labels(own):
    wide = np.array([0, 300, 1000, 65535], np.uint16)
    few_pairs(own, (0, 1, 2, 255), lambda label: wide[label.clip(0, 3)])
    with pytest.raises(ValueError, match=r'300 \(.*1000 \(.*65535 is ignored.*--classes NAME0 NAME300 NAME1000;'):
        own.make()
    made = own.make(classes=['a', 'b', 'c'])
    assert 'value 1000 -> label 2' in made.report
    own.check(made)


def even_odd(points, shape):
    """Loop over centres and edges; matplotlib's own rule agrees away from borders."""
    rows, columns = np.indices(shape) + 0.5
    return Outline(points, closed=False).contains_points(np.stack([columns, rows], -1).reshape(-1, 2)).reshape(shape)


def test_polygons_cover_the_pixels_whose_centre_they_hold():
    np.testing.assert_array_equal(
        inside([np.array([(1, 1), (4, 1), (1, 4)], float)], (5, 5)).astype(int),
        [[0, 0, 0, 0, 0], [0, 1, 1, 0, 0], [0, 1, 0, 0, 0], [0, 0, 0, 0, 0], [0, 0, 0, 0, 0]])
    rng = np.random.default_rng(0)
    for _ in range(20):
        points = rng.uniform(-5, 35, (7, 2))  # crossing itself, leaving the image
        found = inside([points], (23, 31))
        loop = np.zeros((23, 31), bool)
        for y in range(23):
            for x in range(31):
                crossings = 0
                for (x0, y0), (x1, y1) in zip(points, np.roll(points, -1, 0)):
                    if (y0 <= y + 0.5) != (y1 <= y + 0.5):
                        crossings += x0 + (y + 0.5 - y0) * (x1 - x0) / (y1 - y0) <= x + 0.5
                loop[y, x] = crossings % 2
        np.testing.assert_array_equal(found, loop)
    star = np.array([(2.2, 3.1), (28.7, 5.4), (15.3, 20.9)])
    np.testing.assert_array_equal(inside([star], (23, 31)), even_odd(star, (23, 31)))


def boxes(i):
    """A cell, and a nucleus on it: (x0, y0, x1, y1)."""
    return (4 + i, 3, 40, 30), (10, 8 + i, 20, 18)


def painted(i, shape=(40, 56)):
    label = np.zeros(shape, np.uint8)
    for value, (x0, y0, x1, y1) in enumerate(boxes(i), 1):
        label[y0:y1, x0:x1] = value
    return label


def labelme(i, **more):
    corners = [[[x0, y0], [x1, y0], [x1, y1], [x0, y1]] for x0, y0, x1, y1 in boxes(i)]
    shapes = [dict(label='cell', points=corners[0], shape_type='polygon'),
              dict(label='nucleus', points=corners[1][::2], shape_type='rectangle')]
    return dict(dict(version='5.0', imageHeight=40, imageWidth=56, imageData=None, shapes=shapes), **more)


@pytest.fixture
def shapes(own):
    for i in range(4):
        own.add(f'p{i}', painted(i))
        (own.masks / f'p{i}.json').write_text(json.dumps(labelme(i)))
    return own


def test_labelme_shapes_become_labels(shapes):
    with pytest.raises(ValueError, match='are in no polygon: pass --unlabelled background'):
        shapes.make()
    made = shapes.make(unlabelled='background')
    assert made.legend.classes == ['background', 'cell', 'nucleus']
    shapes.check(made)


@pytest.mark.parametrize('shapes_, message', [
    ([dict(label='pole', points=[[1, 1], [2, 9]], shape_type='line')], 'a line of 2 points: expected a polygon'),
    ([dict(points=[[1, 1]])], 'p1.json: expected shapes with a label and points'),
    ('none', 'p1.json: expected a LabelMe file, but it has no list of shapes'),
])
def test_shapes_without_area_or_label_are_named(shapes, shapes_, message):
    (shapes.masks / 'p1.json').write_text(json.dumps(labelme(1, shapes=shapes_)))
    with pytest.raises(ValueError, match=message):
        shapes.make(unlabelled='background')


def test_unlabelled_and_labels_can_be_void(shapes):
    made = shapes.make(unlabelled='tissue', void=['nucleus'])
    shapes.truth = {n: np.where(t == 2, 255, t) for n, t in shapes.truth.items()}
    assert made.legend.classes == ['tissue', 'cell']
    shapes.check(made)


def coco(**more):
    images, annotations = [], []
    for i in range(4):
        images.append(dict(id=7 + i, file_name=f'p{i}.jpg', height=40, width=56))
        for category, (x0, y0, x1, y1) in zip((30, 20), boxes(i)):
            middle = (x0 + x1) // 2  # an object in two pieces
            parts = [[x0, y0, middle, y0, middle, y1, x0, y1], [middle, y0, x1, y0, x1, y1, middle, y1]]
            annotations.insert(0, dict(id=len(annotations), image_id=7 + i, category_id=category, segmentation=parts))
    categories = [dict(id=30, name='cell'), dict(id=20, name='nucleus')]
    return dict(dict(images=images, annotations=annotations, categories=categories), **more)


def test_coco_polygons_become_labels(own):
    """Whatever their order: the smaller object is in front."""
    for i in range(4):
        own.add(f'p{i}', painted(i))
    (own.folder / 'coco.json').write_text(json.dumps(coco()))
    run_lengths = coco()['annotations'][0] | dict(segmentation=dict(counts='x', size=[40, 56]))
    (own.folder / 'rle.json').write_text(json.dumps(coco(annotations=[run_lengths])))
    with pytest.raises(ValueError, match=r'rle.json \(p3.jpg\) \(annotation .* is run-length coded'):
        own.make(own.folder / 'rle.json', unlabelled='background')
    (own.folder / 'none.json').write_text(json.dumps(dict(images=[], annotations=[])))
    with pytest.raises(ValueError, match='but it has no categories'):
        own.make(own.folder / 'none.json')
    (own.folder / 'lacks.json').write_text(json.dumps(coco(images=[dict(id=7, file_name='p0.jpg')])))
    with pytest.raises(ValueError, match='expected file_name, height, id, width in each of images'):
        own.make(own.folder / 'lacks.json')
    (own.folder / 'half.json').write_text(json.dumps(coco())[:-30])
    with pytest.raises(ValueError, match='half.json: is no whole JSON file'):
        own.make(own.folder / 'half.json')
    made = own.make(own.folder / 'coco.json', unlabelled='background', classes=['background', 'cell', 'nucleus'])
    own.check(made)


def test_everything_wrong_is_named_at_once(own):
    few_pairs(own)
    own.add('alone', blocks((0, 1), 9))
    Image.fromarray(blocks((0, 1), 1)).save(own.masks / 'lost.png')
    Image.fromarray(blocks((0, 1), 1)[:32]).save(own.masks / 'f1.png')
    (own.images / 'f2.jpg').write_bytes((own.images / 'f2.jpg').read_bytes()[:300])
    (own.masks / 'f3.png').write_bytes(b'')
    with pytest.raises(ValueError) as caught:
        own.make(classes=['a', 'b', 'c'])
    text = str(caught.value)
    for part in ('1 of 7 images have no mask: alone.jpg', '1 of 7 masks have no image: lost.png',
                 '2 files cannot be used', 'f2.jpg (', 'f3.png (no image', 'f1: image 56x40, truth 56x32',
                 '--skip-unpaired'):
        assert part in text, text
    assert not (own.folder / 'out').exists()


def test_unpaired_files_can_be_left_out(own):
    few_pairs(own)
    truth = dict(own.truth)
    own.add('alone', blocks((0, 1), 9))
    own.truth = truth
    made = own.make(classes=['a', 'b', 'c'], skip_unpaired=True)
    own.check(made)


def test_an_image_on_its_side_has_the_size_that_training_sees(own):
    for i in range(3):
        label = blocks((0, 1), i)
        own.add(f'{i}', label, label)
        picture = Image.open(own.images / f'{i}.jpg').transpose(Image.Transpose.ROTATE_90)
        exif = Image.Exif()
        exif[0x0112] = 6
        picture.save(own.images / f'{i}.jpg', exif=exif)
        assert cv2.imread(str(own.images / f'{i}.jpg')).shape[:2] == label.shape
    own.check(own.make(classes=['a', 'b']))


def test_names_of_masks_may_end_in_something(own):
    few_pairs(own, suffix='_mask.png')
    with pytest.raises(ValueError, match='pass --mask-suffix _mask.png'):
        own.make(classes=['a', 'b', 'c'])
    own.check(own.make(classes=['a', 'b', 'c'], mask_suffix='_mask.png'))


@pytest.mark.parametrize('options, message', [
    (dict(classes=['a', 'b']), 'names 2 classes, but without .255. the masks hold 3 values'),
    (dict(classes=['a', 'b', 'a']), 'names of classes that differ'),
    (dict(classes=['a', 'b', 'c'], void=['9']), r'--void names \[9\], which no mask holds'),
    (dict(classes=['a', 'b', 'c'], void=['sky']), 'expected numbers after --void'),
    (dict(classes=['a', 'b', 'c'], unlabelled='a'), '--unlabelled is for polygons'),
    (dict(classes=['a', 'b', 'c'], name='My Data'), 'expected a name of small letters'),
    (dict(classes=['a', 'b', 'c'], shares=(0.5, 0.5, 0)), 'three positive shares'),
    (dict(classes=['a', 'b', 'c'], group_by='(x)'), 'does not match'),
])
def test_what_cannot_be_decided_is_asked_for(own, options, message):
    few_pairs(own)
    with pytest.raises(ValueError, match=message):
        own.make(**options)
    assert not (own.folder / 'out').exists() and not list(own.folder.glob('*.partial'))


def test_transparent_masks_are_refused(own):
    few_pairs(own, (0, 1), lambda label: np.stack([label, 1 - label, label, label], -1))
    with pytest.raises(ValueError, match='f0.png .has transparent pixels'):
        own.make()


def test_nothing_is_overwritten_and_a_failure_leaves_nothing(own, monkeypatch):
    few_pairs(own, (0, 1), lambda label: label * 255)
    (own.folder / 'data').mkdir()
    with pytest.raises(FileExistsError, match='data exists and is not overwritten'):
        own.make(classes=['a', 'b'])
    (own.folder / 'data').rmdir()
    (own.folder / 'out').mkdir()
    with pytest.raises(FileExistsError, match='out exists and is not overwritten'):
        own.make(classes=['a', 'b'])
    (own.folder / 'out').rmdir()

    def full(*args):
        raise OSError('disk full')

    monkeypatch.setattr('segfusion.datasets.own.create.write_configs', full)
    with pytest.raises(OSError, match='disk full'):
        own.make(classes=['a', 'b'])
    assert sorted(p.name for p in own.folder.iterdir()) == ['images', 'masks']


def test_splits_are_seeded_complete_and_alike():
    rng = np.random.default_rng(0)
    pixels = {f'{i:03}': np.array([100, 50, 0]) + rng.integers(0, 9, 3) * (1, 1, 0) for i in range(40)}
    for name in ('003', '017', '031'):  # a class in three images only: one for each split
        pixels[name] = np.array([60, 40, 50])
    splits = deal(pixels, seed=3)
    assert splits == deal(dict(reversed(pixels.items())), seed=3) != deal(pixels, seed=4)
    assert [len(s) for s in splits.values()] == [28, 6, 6]
    assert sorted(n for s in splits.values() for n in s) == sorted(pixels)
    grouped = deal(pixels, group_by=r'^(\d\d)')
    assert all(len({s for s, names in grouped.items() if n in names}) == 1 for n in pixels)
    tens = [{n[:2] for n in names} for names in grouped.values()]
    assert sum(map(len, tens)) == len(set().union(*tens)) == 4
    with pytest.raises(ValueError, match='at least 3 images'):
        deal(dict(list(pixels.items())[:2]))


def test_rare_class_reaches_every_split():
    pixels = {f'{i:02}': np.array([100, 60 * (i % 7 == 0)]) for i in range(20)}  # in three images
    for seed in range(5):
        splits = deal(pixels, (0.6, 0.2, 0.2), seed)
        assert all(any(pixels[n][1] for n in names) for names in splits.values())


def test_given_splits_are_taken(own):
    few_pairs(own)
    for name, names in dict(a=['f0', 'f1', 'f2', 'f3'], b=['f4', 'f5'], c=['f4', 'x'], d=['f3', 'f4']).items():
        (own.folder / f'{name}.txt').write_text('\n'.join(names) + '\n')
    options = dict(classes=['a', 'b', 'c'])
    with pytest.raises(ValueError, match='c.txt names 1 images that are not there: x'):
        own.make(**options, split_files=[own.folder / 'a.txt', own.folder / 'c.txt'])
    with pytest.raises(ValueError, match='1 images are listed twice or in two splits: f3'):
        own.make(**options, split_files=[own.folder / 'a.txt', own.folder / 'd.txt'])
    made = own.make(**options, split_files=[own.folder / 'a.txt', own.folder / 'b.txt'])
    config = Config.fromfile(made.config)
    assert [len(DATASETS.build(config[f'{s}_dataloader'].dataset)) for s in ('train', 'val', 'test')] == [4, 2, 2]


def test_folders_train_and_val_are_the_splits(own):
    for split in ('train', 'val'):
        for folder in (own.images, own.masks):
            (folder / split).mkdir()
        for i in range(2):
            own.add(f'{split}/{i}', blocks((0, 1, 2), i), blocks((0, 1, 2), i))
    made = own.make(classes=['a', 'b', 'c'])
    assert made.splits == dict(train=['train/0', 'train/1'], val=['val/0', 'val/1'])


def test_weights_and_crop():
    weights = np.array(class_weights(np.array([900, 100, 0])))
    np.testing.assert_allclose(weights[:2] @ [0.9, 0.1], 1, atol=1e-3)
    np.testing.assert_allclose(weights[1] / weights[0], np.log(1.92) / np.log(1.12), rtol=1e-2)
    assert np.isfinite(weights).all() and weights[2] > weights[1]
    assert crop_of([(480, 360)] * 2 + [(500, 360)]) == ((384, 480), (480, 360))  # multiples of the deepest stride
    assert crop_of([(4000, 30)]) == ((64, 768), (4000, 30))


def test_the_command_prints_what_comes_next(own, monkeypatch, capsys):
    few_pairs(own)
    monkeypatch.chdir(own.folder)
    tool = ROOT / 'tools' / 'new_dataset.py'
    monkeypatch.setattr(sys, 'argv', [str(tool), 'images', 'masks', '--classes', 'a', 'b c', 'd'])
    with pytest.raises(SystemExit) as end:
        runpy.run_path(str(tool), run_name='__main__')
    assert end.value.code == 0
    config = 'configs/mine/sfnet_r18-v1c_1xb8-20k_mine-64x64.py'
    printed = capsys.readouterr().out
    assert printed.endswith(f'\npython tools/audit_labels.py {config}\nmim train mmseg {config}\n'
                            f'mim test mmseg {config} --checkpoint work_dirs/{Path(config).stem}/iter_20000.pth\n')
    assert Config.fromfile(config).classes == ('a', 'b c', 'd')
    audit = ROOT / 'tools' / 'audit_labels.py'
    monkeypatch.setattr(sys, 'argv', [str(audit), config])
    with pytest.raises(SystemExit) as end:
        runpy.run_path(str(audit), run_name='__main__')
    assert end.value.code == 0, capsys.readouterr().out


def test_bases_move_with_a_checkout_and_are_absolute_elsewhere(own):
    few_pairs(own)
    site = own.folder / 'site'
    shutil.copytree(ROOT / 'configs' / '_base_', site / 'configs' / '_base_')
    options = dict(classes=['a', 'b', 'c'])
    inside = new_dataset(own.images, own.masks, site / 'configs', out=site / 'configs' / 'mine', **options)
    outside = new_dataset(own.images, own.masks, site / 'configs', out=own.folder / 'out', **options)
    assert f"'{site.resolve().as_posix()}/configs/_base_/models/sfnet_r18-v1c.py'" in outside.config.read_text()
    want = own.check(outside).model.to_dict()
    moved = site.rename(own.folder / 'moved')
    config = Config.fromfile(moved / inside.config.relative_to(site))
    assert own.check(inside, config).model.to_dict() == want
    assert config.train_dataloader.dataset.ann_file == str(moved / 'configs' / 'mine' / 'train.txt')


def test_shapes_beside_png_images_are_read(shapes):
    """LabelMe saves where the image is."""
    for path in list(shapes.images.iterdir()):
        Image.open(path).save(path.with_suffix('.png'))
        path.unlink()
    for path in shapes.masks.iterdir():
        path.rename(shapes.images / path.name)
    shapes.check(shapes.make(shapes.images, unlabelled='background'))
