import numpy as np
import pytest

from segfusion.datasets import CamVidDataset
from segfusion.visualization import contact_sheet
from segfusion.visualization.canvas import class_legend, colour


def test_sheet_shows_image_beside_truth(build_camvid):
    dataset = build_camvid()
    sheet = contact_sheet(dataset, [0, 1], columns=1, width=48)
    assert np.array_equal(sheet[:36, :48], np.full((36, 48, 3), (200, 100, 10)))  # RGB, the files are BGR to cv2
    palette = np.array([*CamVidDataset.METAINFO['palette'], [0, 0, 0]])
    assert np.array_equal(sheet[0, 48:60], palette)  # the first twelve labels, the last one ignored
    assert sheet.shape[1] == 96 and sheet.shape[0] > 2 * 42


def test_an_index_beyond_the_data_is_refused(build_camvid):
    dataset = build_camvid()
    for index in (len(dataset), -1):
        with pytest.raises(ValueError, match=f'there is no sample {index}: the data set has {len(dataset)}'):
            contact_sheet(dataset, [0, index])


def test_augmented_sheet_shows_what_the_model_gets(build_camvid):
    pipeline = [dict(type='LoadImageFromFile'), dict(type='LoadAnnotations'),
                dict(type='RandomFlip', prob=1.), dict(type='PackSegInputs')]
    plain = contact_sheet(build_camvid(), [0], 1, 48)
    flipped = contact_sheet(build_camvid(pipeline=pipeline), [0], 1, 48, augmented=True)
    assert np.array_equal(flipped[:36, 48:96], plain[:36, 48:96][:, ::-1])


def test_ignored_labels_are_black_and_every_class_is_in_the_legend():
    assert colour(np.array([[1, 255]], np.uint8), [(1, 2, 3), (4, 5, 6)]).tolist() == [[[4, 5, 6], [0, 0, 0]]]
    board = np.array(class_legend(CamVidDataset.METAINFO['palette'], CamVidDataset.METAINFO['classes'], 200))
    shown = {tuple(c) for c in board.reshape(-1, 3).tolist()}
    assert {tuple(c) for c in CamVidDataset.METAINFO['palette']} <= shown
