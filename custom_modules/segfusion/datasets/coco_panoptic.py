"""COCO's panoptic annotations, read as classes."""
from mmseg.registry import DATASETS

from .colour_map import voc_palette
from .paired import PairedFolderDataset

THINGS = ('person', 'bicycle', 'car', 'motorcycle', 'airplane', 'bus', 'train', 'truck', 'boat', 'traffic light',
          'fire hydrant', 'stop sign', 'parking meter', 'bench', 'bird', 'cat', 'dog', 'horse', 'sheep', 'cow',
          'elephant', 'bear', 'zebra', 'giraffe', 'backpack', 'umbrella', 'handbag', 'tie', 'suitcase', 'frisbee',
          'skis', 'snowboard', 'sports ball', 'kite', 'baseball bat', 'baseball glove', 'skateboard', 'surfboard',
          'tennis racket', 'bottle', 'wine glass', 'cup', 'fork', 'knife', 'spoon', 'bowl', 'banana', 'apple',
          'sandwich', 'orange', 'broccoli', 'carrot', 'hot dog', 'pizza', 'donut', 'cake', 'chair', 'couch',
          'potted plant', 'bed', 'dining table', 'toilet', 'tv', 'laptop', 'mouse', 'remote', 'keyboard', 'cell phone',
          'microwave', 'oven', 'toaster', 'sink', 'refrigerator', 'book', 'clock', 'vase', 'scissors', 'teddy bear',
          'hair drier', 'toothbrush')
STUFF = ('banner', 'blanket', 'bridge', 'cardboard', 'counter', 'curtain', 'door-stuff', 'floor-wood', 'flower',
         'fruit', 'gravel', 'house', 'light', 'mirror-stuff', 'net', 'pillow', 'platform', 'playingfield', 'railroad',
         'river', 'road', 'roof', 'sand', 'sea', 'shelf', 'snow', 'stairs', 'tent', 'towel', 'wall-brick',
         'wall-stone', 'wall-tile', 'wall-wood', 'water-other', 'window-blind', 'window-other', 'tree-merged',
         'fence-merged', 'ceiling-merged', 'sky-other-merged', 'cabinet-merged', 'table-merged', 'floor-other-merged',
         'pavement-merged', 'mountain-merged', 'grass-merged', 'dirt-merged', 'paper-merged', 'food-other-merged',
         'building-other-merged', 'rock-merged', 'wall-other-merged', 'rug-merged')


@DATASETS.register_module()
class COCOPanopticDataset(PairedFolderDataset):
    """COCO 2017 with the 133 classes of its panoptic annotations: 118287 training and 5000 validation images.

    Labels are PNG files of indices 0..132, and 255 where nothing is labelled, as ``tools/prepare_dataset.py
    coco-panoptic`` writes them: which object a pixel belongs to is dropped. The colours are VOC's.

    Paper: `Panoptic Segmentation <https://arxiv.org/abs/1801.00868>`_.

    Args:
        kwargs: See :class:`PairedFolderDataset`.
    """
    METAINFO = dict(classes=THINGS + STUFF, palette=voc_palette(133))
    REMEDY = ('Make it by tools/prepare_dataset.py coco-panoptic (docs/datasets.md), or set the environment variable '
              'COCO_PANOPTIC_ROOT to where it is.')
