"""What the audit finds, on data sets of two to four masks."""
import cv2
import numpy as np
import pytest
import torch
from mmseg.registry import DATASETS, MODELS
from torch import nn

from segfusion.datasets.audit import HeadClasses, audit_dataset, heads_of

LOAD = [dict(type='LoadImageFromFile'), dict(type='LoadAnnotations')]
RAMP = np.arange(12, dtype=np.uint8).repeat(4)[None].repeat(36, 0)  # every class of CamVid and void, 36x48


@pytest.fixture
def stock(tmp_path):
    """Build a stock BaseSegDataset over masks that are given; images are grey."""

    def build(masks, classes=('a', 'b', 'c'), suffix='.png', image_size=(6, 8), **kwargs):
        for folder in ('img', 'ann'):
            (tmp_path / folder).mkdir(exist_ok=True)
        for i, mask in enumerate(masks):
            cv2.imwrite(str(tmp_path / 'img' / f'{i}.png'), np.full((*image_size, 3), 99, np.uint8))
            if mask is not None:
                cv2.imwrite(str(tmp_path / 'ann' / f'{i}.png'), mask)
        return DATASETS.build(
            dict(type='BaseSegDataset', data_root=str(tmp_path), serialize_data=False, pipeline=LOAD,
                 data_prefix=dict(img_path='img', seg_map_path='ann'), img_suffix='.png', seg_map_suffix=suffix,
                 metainfo=dict(classes=classes, palette=[[7 * i, 1, 2] for i in range(len(classes))]), **kwargs))

    return build


def mask(*values):
    """6x8, these values in turn."""
    return np.resize(np.array(values, np.uint8), (6, 8))


def audited(dataset, *heads, **kwargs):
    (audit, ) = audit_dataset(dataset, heads, **kwargs)
    return audit


def test_good_labels_are_counted(stock):
    audit = audited(stock([mask(0, 1, 2, 255), mask(0)]), HeadClasses('decode_head', 3))
    assert audit.problems == [] and audit.warnings == [] and (audit.looked_at, audit.size) == (2, 2)
    assert audit.pixels == {0: 12 + 48, 1: 12, 2: 12, 255: 12}
    assert '     0  a                     62.500%' in audit.table() and 'ignored' in audit.table()
    audit.raise_if_wrong()


def binary_head(**loss):
    return MODELS.build(dict(type='FCNHead', in_channels=4, channels=4, num_convs=1, num_classes=1,
                             loss_decode=[dict(dict(type='CrossEntropyLoss', use_sigmoid=True), **loss)]))


def test_one_output_with_a_sigmoid_fits_two_labels(stock):
    (head, ) = heads_of(nn.ModuleDict(dict(head=binary_head())))
    assert (head.num_classes, head.labels) == (1, 2)
    two = ('background', 'cell')
    assert audited(stock([mask(0, 1, 255)], two), head).problems == []
    assert 'found 2 (16 pixels)' in audited(stock([mask(0, 1, 2)], two), head).problems[0]
    assert "write metainfo=dict(classes=('background', 'cell'))" in audited(stock([mask(0, 1)], two[1:]),
                                                                           head).problems[0]
    assert 'is 1, but BaseSegDataset has 3 classes' in audited(stock([mask(0, 1)]), head).problems[0]
    (head, ) = heads_of(nn.ModuleDict(dict(head=binary_head(use_sigmoid=False))))
    assert 'set use_sigmoid=True in loss_decode, or num_classes=2' in audited(stock([mask(0, 1)], two),
                                                                              head).problems[0]


def test_dice_of_one_output_is_refused(stock):
    """mmseg compares a single output with label 0."""
    label, logit = torch.tensor([[[0, 0, 1, 1]]]), torch.tensor([[[[-9., -9., 9., 9.]]]])
    dice = MODELS.build(dict(type='DiceLoss'))
    assert dice(logit, label) > 0.99 and dice(-logit, label) < 0.01
    (head, ) = heads_of(nn.ModuleDict(dict(head=binary_head(type='DiceLoss'))))
    assert 'leave it out, or use two outputs' in audited(stock([mask(0, 1)], ('background', 'cell')), head).problems[0]


def test_samples_are_spread_evenly(stock):
    dataset = stock([mask(0)] * 4 + [mask(9)])
    assert audited(dataset, num_samples=4).problems == []  # 0, 1, 2, 3
    assert len(audited(dataset, num_samples=5).problems) == 1


@pytest.mark.parametrize('masks, kwargs, message', [
    ([mask(0, 1, 7)] * 3, {}, r'ann/0\.png: expected class indices 0\.\.2 or 255 .*found 7 \(16 pixels\).*'
     r'num_classes, label_map, reduce_zero_label.*\(3 of 3 samples looked at\)'),
    ([mask(1, 2, 3)], {}, r'values 1\.\.3 are one too high: set reduce_zero_label=True'),
    ([mask(0, 1, 3)], {}, r'either num_classes is one too low, or 3 is void'),
    ([mask(0, 255)] * 2, dict(classes=('background', 'cell')), r"hold 0 and 255 only.*nothing but 'background' would"
     r'.*save it as 1'),
    ([mask(0, 255)], dict(classes=('a', 'b'), ignore_index=254), r'found 255 .*; a mask drawn as 0 and 255 has to hold '
     '1 instead of 255'),
    ([mask(255)], {}, r'all pixels of all 1 masks looked at are 255'),
    ([mask(0)], dict(reduce_zero_label=True), 'reduce_zero_label=True hides label 0'),
    ([np.zeros((6, 8, 3), np.uint8)], {}, r'colour-coded.*0 of its 1 colours are in the palette of BaseSegDataset'),
    ([mask(0, 1, 2)], dict(image_size=(12, 8)), r'the image is \(12, 8\) \(height, width\), the label \(6, 8\)'),
    ([mask(0).astype(np.uint16) + 256], {}, r'holds I;16.* numbers.*lowest 8 bits'),
    ([mask(0), None], {}, r'1 of 2 labels are missing: .*ann/1\.png; .* holds 1 files \*\.png'),
    ([mask(0)], dict(suffix='.bmp'), r'1 of 1 labels are missing.*holds 1 files \*\.png: correct seg_map_suffix'),
])
def test_wrong_labels_are_named(stock, masks, kwargs, message):
    audit = audited(stock(masks, **kwargs))
    with pytest.raises(ValueError, match=message):
        audit.raise_if_wrong()
    assert len(audit.problems) == 1


def test_palette_colours_are_recognised(stock):
    label = np.zeros((6, 8, 3), np.uint8)
    label[:] = (2, 1, 7)  # cv2 writes BGR; the palette of class 1 is (7, 1, 2)
    assert '1 of its 1 colours' in audited(stock([label])).problems[0]


def test_broken_files_are_named(stock, tmp_path):
    dataset = stock([mask(0, 1, 2)] * 2)
    whole = (tmp_path / 'ann' / '1.png').read_bytes()
    (tmp_path / 'ann' / '1.png').write_bytes(whole[:20])
    assert 'ann/1.png: cannot be read' in audited(dataset).problems[0]


def test_empty_data_set_tells_what_is_there(stock, tmp_path):
    stock([mask(0)])
    (tmp_path / 'img' / '0.png').rename(tmp_path / 'img' / '0.jpeg')
    audit = audited(stock([]))
    assert 'BaseSegDataset is empty: expected images *.png' in audit.problems[0]
    assert "found 1 files *.jpeg; set img_suffix='.jpeg'" in audit.problems[0]


def test_training_needs_labels_and_a_test_does_not(stock):
    dataset = stock([mask(0)])
    for info in dataset.data_list:
        info.pop('seg_map_path')
    assert 'gives no labels (seg_map_path)' in audited(dataset).problems[0]
    assert audited(dataset, needs_labels=False).problems == []


def test_every_head_is_compared(stock):
    dataset = stock([mask(0, 1, 2)])
    audit = audited(dataset, HeadClasses('decode_head', 3), HeadClasses('auxiliary_head', 2))
    assert audit.problems[0] == ('num_classes of auxiliary_head is 2, but BaseSegDataset has 3 classes: set '
                                 'num_classes=3 there')
    assert '0..1 or 255 (ignored) but found 2 (16 pixels)' in audit.problems[1]
    assert 'for auxiliary_head' in audit.problems[1]
    more = audited(dataset, HeadClasses('decode_head', 19))
    assert more.problems == [] and 'unless the others are meant to stay unused' in more.warnings[0]


def test_head_that_does_not_ignore_what_the_data_ignore(stock):
    audit = audited(stock([mask(0, 1, 2, 255)]), HeadClasses('decode_head', 3, ignore_index=254))
    assert '0..2 or 254 (ignored) but found 255 (12 pixels)' in audit.problems[0]


def test_warnings_of_unlikely_labels(stock):
    assert 'one class only' in audited(stock([mask(1)])).warnings[0]
    reduced = audited(stock([mask(0, 1, 2)], reduce_zero_label=True))
    assert "leaves nothing for the last class, 'c'" in reduced.warnings[0]
    assert "label 0 ('a') does not occur" in audited(stock([mask(1, 2)])).warnings[0]


def test_labels_are_seen_as_the_loss_sees_them(build_camvid, camvid):
    for name in 'ab':
        cv2.imwrite(str(camvid / 'trainannot' / f'{name}.png'), RAMP)
    audit = audited(build_camvid())
    assert audit.pixels == {**dict.fromkeys(range(11), 2 * 144), 255: 2 * 144}  # void 11 is 255 by label_map
    chosen = audited(build_camvid(metainfo=dict(classes=('car', 'road'))))
    assert set(chosen.pixels) == {0, 1, 255} and chosen.problems == []


def test_wrappers_are_opened(stock):
    good, bad = stock([mask(0, 1, 2)]), stock([mask(0, 9)], classes=('a', 'b'))
    both = dict(type='ConcatDataset', datasets=[good, good])
    both = DATASETS.build(dict(type='RepeatDataset', times=2, dataset=both))
    assert [a.size for a in audit_dataset(both)] == [1, 1]
    assert audit_dataset(DATASETS.build(dict(type='RepeatDataset', times=2, dataset=bad)))[0].problems


def test_no_random_number_is_drawn(stock):
    before = np.random.get_state()[1].copy(), torch.get_rng_state()
    audited(stock([mask(0, 1, 2)]))
    assert (np.random.get_state()[1] == before[0]).all() and torch.equal(torch.get_rng_state(), before[1])


def test_heads_of_a_model_with_deep_supervision():
    model = nn.Module()
    shared = dict(in_channels=4, channels=4, num_classes=5, norm_cfg=dict(type='BN'), align_corners=False)
    loss = dict(type='CrossEntropyLoss', class_weight=[1., 2.])
    model.decode_head = MODELS.build(dict(type='FCNHead', ignore_index=7, loss_decode=loss, **shared))
    model.auxiliary_head = MODELS.build(dict(type='SideOutputHeads', in_index=[0, 1], **shared))
    assert heads_of(model) == [
        HeadClasses('decode_head', 5, 7, class_weights=2), HeadClasses('auxiliary_head.0', 5),
        HeadClasses('auxiliary_head.1', 5)]


def test_class_weights_of_another_length(stock):
    audit = audited(stock([mask(0, 1, 2)]), HeadClasses('decode_head', 3, class_weights=2))
    assert audit.problems == ['class_weight of a loss of decode_head has 2 entries, but num_classes is 3: write one '
                              'weight a class']


BROKEN = dict(empty=lambda data: b'', cut=lambda data: data[:len(data) // 2], text=lambda data: b'no picture at all')


@pytest.mark.parametrize('how', BROKEN)
def test_broken_images_are_named(stock, tmp_path, how):
    dataset = stock([mask(0, 1, 2)] * 3)
    path = tmp_path / 'img' / '1.png'
    path.write_bytes(BROKEN[how](path.read_bytes()))
    (audit, ) = audit_dataset(dataset, num_samples=3)
    (problem, ) = audit.problems
    assert problem.startswith(f'{path}: the image cannot be read (') and audit.looked_at == 3
    for info in dataset.data_list:  # in a test nobody needs labels; images are looked at still
        info.pop('seg_map_path')
    (audit, ) = audit_dataset(dataset, num_samples=3, needs_labels=False)
    assert audit.problems == [problem]


def test_images_of_a_format_of_ones_own_are_let_pass(stock, tmp_path):
    """Without mmcv's loader in the pipeline, nobody here knows how to read them."""
    dataset = stock([mask(0, 1, 2)] * 2)
    (tmp_path / 'img' / '1.png').write_bytes(b'raw numbers')
    dataset.pipeline.transforms = [t for t in dataset.pipeline.transforms if 'Image' not in type(t).__name__]
    assert audited(dataset).problems == []
