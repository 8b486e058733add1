import re

import cv2
import numpy as np
import pytest
from mmengine.config import Config
from mmseg.registry import DATASETS, TRANSFORMS
from torch.utils.data import ConcatDataset, Subset

from segfusion.datasets.audit import audit_dataset
from segfusion.datasets.checks import label_problem, leaf_datasets


def test_good_labels_have_no_problem():
    assert label_problem(np.array([[0, 10, 255]], np.uint8), 11) is None
    assert label_problem(np.zeros((2, 3), np.uint8), 1, image_shape=(2, 3)) is None
    assert label_problem(np.array([[0, 7]], np.uint8), 3, ignore_index=7) is None


def test_problem_lists_values_and_counts():
    problem = label_problem(np.array([[0, 12, 12, 77, 255, -1]], np.int64), 11)
    assert '0..10 or 255' in problem
    assert '-1 (1 pixels), 12 (2 pixels), 77 (1 pixels)' in problem
    many = label_problem(np.arange(100, 120, dtype=np.uint8)[None], 11)
    assert '109 (1 pixels) and 10 more values' in many


def test_out_of_range_value_names_file_and_value(build_camvid, camvid):
    path = camvid / 'trainannot' / 'a.png'
    label = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    label[3, 4] = 12
    cv2.imwrite(str(path), label)
    with pytest.raises(ValueError, match=r'trainannot/a\.png: expected class indices 0\.\.10 .*12 \(1 pixels\)'):
        build_camvid()[0]


def test_value_out_of_range_is_found_when_classes_are_selected(build_camvid, camvid):
    path = str(camvid / 'trainannot' / 'a.png')
    label = cv2.imread(path, cv2.IMREAD_UNCHANGED)
    label[3, 4] = 12
    cv2.imwrite(path, label)
    with pytest.raises(ValueError, match=r'0\.\.1 .*12 \(1 pixels\)'):
        build_camvid(metainfo=dict(classes=('car', 'road')), num_classes=2)[0]


def test_size_mismatch_names_both_sizes(build_camvid, camvid):
    cv2.imwrite(str(camvid / 'valannot' / 'c.png'), np.zeros((48, 36), np.uint8))
    with pytest.raises(ValueError, match=r'valannot/c\.png: .*\(36, 48\).*\(48, 36\)'):
        build_camvid('val')[0]


def test_resized_image_is_compared_by_its_stored_size(build_camvid):
    pipeline = [dict(type='LoadImageFromFile'), dict(type='Resize', scale=(96, 72)), dict(type='LoadAnnotations'),
                dict(type='CheckLabels', num_classes=11)]
    results = build_camvid('val', pipeline=pipeline)[0]
    assert results['img'].shape[:2] == (72, 96) and results['gt_seg_map'].shape == (36, 48)


def test_colour_coded_labels_are_refused(build_camvid, camvid):
    cv2.imwrite(str(camvid / 'valannot' / 'c.png'), np.zeros((36, 48, 3), np.uint8))
    with pytest.raises(ValueError, match='colour-coded'):
        build_camvid('val')[0]


def test_reduce_zero_label_is_explained():
    check = TRANSFORMS.build(dict(type='CheckLabels', num_classes=2))
    with pytest.raises(ValueError, match='the file has them one higher'):
        check(dict(gt_seg_map=np.full((2, 2), 5, np.uint8), reduce_zero_label=True))


def test_check_stands_behind_the_labels():
    with pytest.raises(ValueError, match='behind LoadAnnotations'):
        TRANSFORMS.build(dict(type='CheckLabels', num_classes=2))(dict(seg_map_path='a.png'))


def test_a_sample_without_label_file_passes():
    """What mmseg.apis hands to a test pipeline from which it took LoadAnnotations."""
    for sample in (dict(img_path='a.png'), dict(img=np.zeros((2, 2, 3))), dict(img_path='a.png', seg_map_path=None)):
        assert TRANSFORMS.build(dict(type='CheckLabels', num_classes=2))(sample) is sample


@pytest.mark.parametrize('config, folder, variable', [
    ('cityscapes_1024x1024', 'leftImg8bit/val', 'CITYSCAPES_ROOT'), ('ade20k', 'images/validation', 'ADE20K_ROOT')])
def test_missing_host_dataset_names_the_folder_of_the_variable(config, folder, variable, tmp_path, monkeypatch,
                                                               configs):
    monkeypatch.setenv(variable, str(tmp_path / 'nowhere'))
    dataset = Config.fromfile(configs / f'{config}.py').val_dataloader.dataset
    with pytest.raises(FileNotFoundError, match=f'{tmp_path}/nowhere/{folder}'):
        DATASETS.build(dataset)


def test_cityscapes_without_train_ids_is_found_by_the_audit(tmp_path, monkeypatch, configs):
    monkeypatch.setenv('CITYSCAPES_ROOT', str(tmp_path))
    dataset = Config.fromfile(configs / 'cityscapes_1024x1024.py').val_dataloader.dataset
    for folder in ('leftImg8bit/val/x', 'gtFine/val/x'):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / 'leftImg8bit/val/x/x_leftImg8bit.png').write_bytes(b'')
    audit, = audit_dataset(DATASETS.build(dataset))
    assert re.match('1 of 1 labels are missing: .*x_gtFine_labelTrainIds.png', audit.problems[0])


def test_leaves_of_any_wrapper_built_or_config():
    def wrap(leaf, joined, one):
        return one(joined([leaf(0), one(leaf(1))]))

    config = wrap(lambda i: dict(type='Leaf', index=i), lambda many: dict(type='ConcatDataset', datasets=many),
                  lambda inner: dict(type='RepeatDataset', dataset=inner))
    assert [leaf['index'] for leaf in leaf_datasets(config)] == [0, 1]
    built = wrap(lambda i: [i], ConcatDataset, lambda inner: Subset(inner, [0]))
    assert list(leaf_datasets(built)) == [[0], [1]]
    assert list(leaf_datasets(dict())) == [{}]
