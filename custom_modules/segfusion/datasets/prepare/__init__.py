"""Turn what one downloads into the layout that the configs expect."""
from .colours import CAMVID, COLOURS
from .common_objects import COCO_PANOPTIC, COCO_STUFF10K, COCO_STUFF164K, PASCAL_CONTEXT
from .indoor import NYUV2, SUNRGBD
from .run import MANIFEST, Recipe, prepare

RECIPES = {
    'nyuv2': NYUV2, 'sunrgbd': SUNRGBD, 'camvid': CAMVID, 'coco-stuff10k': COCO_STUFF10K,
    'coco-stuff164k': COCO_STUFF164K, 'coco-panoptic': COCO_PANOPTIC, 'pascal-context': PASCAL_CONTEXT,
    'colours': COLOURS
}

__all__ = ['MANIFEST', 'RECIPES', 'Recipe', 'prepare']
