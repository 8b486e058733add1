"""A sheet of samples: image, truth, and which colour is which class."""
from typing import Sequence

import cv2
import numpy as np
from mmcv.transforms import Compose

from .canvas import class_legend, colour
from .look import check_indices


def sample(dataset, index: int, augmented: bool = False):
    """(RGB image, label) of one sample, as stored or as the training pipeline hands it to the model."""
    if augmented:
        packed = dataset[index]
        image = packed['inputs'].permute(1, 2, 0).numpy()[..., ::-1]
        return image, packed['data_samples'].gt_sem_seg.data[0].numpy()
    load = Compose([dict(type='mmcv.LoadImageFromFile'), dict(type='mmseg.LoadAnnotations'),
                    dict(type='mmseg.CheckLabels', num_classes=len(dataset.metainfo['classes']))])
    results = load(dataset.get_data_info(index))
    return results['img'][..., ::-1], results['gt_seg_map']


def contact_sheet(dataset, indices: Sequence[int], columns: int = 2, width: int = 256,
                  augmented: bool = False) -> np.ndarray:
    """Samples side by side, each as image | truth, over the legend.

    Args:
        dataset (BaseSegDataset): What to show; its ``metainfo`` gives names and colours.
        indices (sequence): Which samples.
        columns (int): Samples a row.
        width (int): Width of an image on the sheet, pixels; the height of the first one rules the row.
        augmented (bool): Show what the pipeline yields (it must end with ``PackSegInputs``).

    Returns:
        ndarray: RGB, uint8.

    Raises:
        ValueError: If an index is beyond the data set.
    """
    check_indices(indices, len(dataset))
    palette, cells = dataset.metainfo['palette'], []
    for index in indices:
        image, label = sample(dataset, index, augmented)
        size = (width, round(width * image.shape[0] / image.shape[1]) if not cells else cells[0].shape[0])
        shrink = cv2.INTER_AREA if width < image.shape[1] else cv2.INTER_CUBIC
        truth = cv2.resize(colour(label, palette), size, interpolation=cv2.INTER_NEAREST)
        cells.append(np.hstack([cv2.resize(np.ascontiguousarray(image), size, interpolation=shrink), truth]))
    blank = np.full_like(cells[0], 255)
    cells += [blank] * (-len(cells) % columns)
    gap = np.full((cells[0].shape[0], 6, 3), 255, np.uint8)
    rows = []
    for start in range(0, len(cells), columns):
        parts = [part for cell in cells[start:start + columns] for part in (cell, gap)][:-1]
        rows += [np.hstack(parts), np.full((6, sum(p.shape[1] for p in parts), 3), 255, np.uint8)]
    names = [*dataset.metainfo['classes'], 'ignored']
    return np.vstack([*rows, np.array(class_legend([*palette, (0, 0, 0)], names, rows[0].shape[1], text=13))])
