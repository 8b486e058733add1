"""The built-in data set: street scenes that are drawn when first asked for."""
import os
import os.path as osp
from typing import List, Optional, Tuple

import cv2
from mmengine.dist import get_dist_info
from mmseg.registry import DATASETS

from .camvid import CLASSES, PALETTE, VOID
from .files import progress, write_whole
from .paired import PairedFolderDataset
from .scenes import VERSION, render_scene

SIZES = dict(train=300, val=50, test=100)  # scenes a split


@DATASETS.register_module()
class StreetScenes(PairedFolderDataset):
    """Procedurally drawn street scenes with CamVid's eleven classes; no download.

    Scenes have what makes the fusion of features hard: poles, signs and wires a pixel wide, railings one sees
    through, bare trees, riders and pedestrians at any distance, occlusion, five kinds of weather, shadows that cross
    class borders, surfaces whose texture tells little (slabs or asphalt on road and pavement alike, letters on shop
    fronts, signs from behind), and classes a hundred times rarer than others. Images are anti-aliased, labels are
    crisp: a pixel belongs to the class that covers most of it, of two halves to the nearer one.

    Scene ``i`` of a split depends on ``(seed, split, i)`` and the renderer's version, its pixels also on ``size``, so
    growing ``num_images`` keeps what exists. Scenes are written once below ``data_root``, in a folder named after all
    of these; processes may do so at the same time.

    Args:
        split (str): 'train', 'val' or 'test'.
        num_images (int, optional): Scenes of the split. Defaults to 300, 50 or 100.
        size (tuple): (height, width) in pixels. Defaults to (192, 256).
        seed (int): Another seed is another city. Defaults to 0.
        data_root (str): Where the scenes are kept. Defaults to 'data/street_scenes'.
        kwargs: See :class:`PairedFolderDataset`, but without ``data_prefix`` and suffixes.

    Raises:
        ValueError: If the split is unknown, or size, number or seed are not positive integers.
    """
    METAINFO = dict(classes=CLASSES, palette=PALETTE)
    VOID = (VOID, )
    REMEDY = 'Delete the folder of this size and seed; it is drawn again.'

    def __init__(self, split: str = 'train', num_images: Optional[int] = None, size: Tuple[int, int] = (192, 256),
                 seed: int = 0, data_root: str = 'data/street_scenes', **kwargs) -> None:
        if split not in SIZES:
            raise ValueError(f'expected split to be one of {tuple(SIZES)} but got {split!r}')
        num_images = SIZES[split] if num_images is None else num_images
        size = tuple(size)
        if len(size) != 2 or min(size) < 16 or num_images < 1 or seed < 0:
            raise ValueError('expected size=(height, width) of at least 16 pixels, num_images of at least 1 and seed '
                             f'of at least 0 but got size={size}, num_images={num_images}, seed={seed}')
        self.split, self.num_images, self.size, self.seed = split, num_images, size, seed
        folder = osp.join(f'v{VERSION}_seed{seed}_{size[0]}x{size[1]}', split)
        super().__init__(img_suffix='.png', data_root=data_root,
                         data_prefix=dict(img_path=osp.join(folder, 'images'), seg_map_path=osp.join(folder, 'labels')),
                         **kwargs)

    def load_data_list(self) -> List[dict]:
        self._draw_missing()
        folders = self.data_prefix['img_path'], self.data_prefix['seg_map_path']
        return [self._sample(*(osp.join(folder, self._name(i)) for folder in folders)) for i in range(self.num_images)]

    @staticmethod
    def _name(index: int) -> str:
        return f'{index:05d}.png'

    def _draw_missing(self) -> None:
        images, labels = self.data_prefix['img_path'], self.data_prefix['seg_map_path']
        for folder in (images, labels):
            os.makedirs(folder, exist_ok=True)

        def missing(index: int) -> bool:
            return not all(osp.exists(osp.join(folder, self._name(index))) for folder in (images, labels))

        todo = [i for i in range(self.num_images) if missing(i)]
        if not todo:
            return
        # every process starts elsewhere and skips what another one has finished meanwhile
        rank, world_size = get_dist_info()
        start = len(todo) * rank // world_size
        what = f'drawing street scenes ({self.split}, {self.size[0]}x{self.size[1]}) into {osp.dirname(images)}'
        for i in progress(todo[start:] + todo[:start], what, quiet=rank > 0):
            if missing(i):
                image, label = render_scene(self.split, i, self.size, self.seed)
                for folder, pixels in ((labels, label), (images, image[..., ::-1])):  # cv2 writes BGR
                    write_whole(osp.join(folder, self._name(i)), cv2.imencode('.png', pixels)[1].tobytes())
