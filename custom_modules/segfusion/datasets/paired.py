"""Images in one folder, labels of the same name in another, and errors that say what to do."""
import os.path as osp
from typing import List, Optional, Sequence, Union

import mmengine
from mmseg.datasets import BaseSegDataset
from mmseg.registry import DATASETS

from .checks import few, pair, require_folder, stems


@DATASETS.register_module()
class PairedFolderDataset(BaseSegDataset):
    """A ``BaseSegDataset`` that takes several image suffixes and checks its folders while it reads them.

    Subclasses state ``METAINFO``, and if they like ``VOID`` and ``REMEDY``. Label *values* and sizes are checked
    one by one in the pipeline, by :class:`CheckLabels`.

    Void labels become 255 through mmseg's own ``label_map``, so the stock ``LoadAnnotations`` applies them, also
    when ``metainfo=dict(classes=...)`` selects some of the classes.

    Args:
        img_suffix (str or sequence): Suffixes of images, mixed if need be. Defaults to .png, .webp and .jpg.
        seg_map_suffix (str): Suffix of label files. Defaults to '.png'.
        kwargs: See ``mmseg.datasets.BaseSegDataset``. ``ann_file`` may list the names to use, without suffix.

    Raises:
        FileNotFoundError: If a folder is missing; says where it was expected and where the data come from.
        ValueError: If an image has no label or a label no image, or there are none.
    """
    VOID: Sequence[int] = ()
    REMEDY = 'Change data_root or data_prefix of the dataset in the config.'

    def __init__(self, img_suffix: Union[str, Sequence[str]] = ('.png', '.webp', '.jpg'), seg_map_suffix: str = '.png',
                 **kwargs) -> None:
        suffixes = (img_suffix, ) if isinstance(img_suffix, str) else tuple(img_suffix)
        super().__init__(img_suffix=suffixes, seg_map_suffix=seg_map_suffix, **kwargs)

    @classmethod
    def get_label_map(cls, new_classes: Optional[Sequence] = None) -> Optional[dict]:
        label_map = super().get_label_map(new_classes)
        if cls.VOID:
            label_map = {**(label_map or {}), **dict.fromkeys(cls.VOID, 255)}
        return label_map

    def load_data_list(self) -> List[dict]:
        image_folder, label_folder = self.data_prefix['img_path'], self.data_prefix.get('seg_map_path')
        remedy = f'{type(self).__name__}: {self.REMEDY}'
        require_folder(image_folder, 'images', remedy, self.backend_args)
        images = stems(image_folder, self.img_suffix, self.backend_args)
        if label_folder:
            require_folder(label_folder, 'labels', remedy, self.backend_args)
            labels = stems(label_folder, (self.seg_map_suffix, ), self.backend_args)
        else:
            labels = dict.fromkeys(images)
        if self.ann_file:
            names = [line.strip() for line in mmengine.list_from_file(self.ann_file) if line.strip()]
            missing = sorted(set(names) - images.keys())
            if missing:
                raise ValueError(f'{self.ann_file} names {len(missing)} images that are not in {image_folder}: '
                                 f'{few(missing)}. Expected names without folder and suffix')
            images = {name: images[name] for name in names}
            labels = {name: labels[name] for name in names if name in labels}
        return [self._sample(osp.join(image_folder, image), label and osp.join(label_folder, label))
                for image, label in pair(images, labels, image_folder, label_folder, remedy)]

    def _sample(self, image: str, label: Optional[str]) -> dict:
        sample = dict(img_path=image, label_map=self.label_map, reduce_zero_label=self.reduce_zero_label, seg_fields=[])
        if label:
            sample['seg_map_path'] = label
        return sample
