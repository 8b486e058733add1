"""mmseg's own data sets with errors that say where the data were expected and where they come from."""
import os.path as osp
from typing import List

from mmengine import fileio
from mmseg.datasets import ADE20KDataset, CityscapesDataset, PascalVOCDataset
from mmseg.registry import DATASETS

from .checks import few, require_folder


class CheckedFolders:
    """Look at folders, split file and labels before mmseg does; ``REMEDY`` ends every message."""
    REMEDY = ''

    def load_data_list(self) -> List[dict]:
        remedy = f'{type(self).__name__}: {self.REMEDY}'
        images, labels = self.data_prefix['img_path'], self.data_prefix.get('seg_map_path')
        require_folder(images, 'images', remedy, self.backend_args)
        if labels:
            require_folder(labels, 'labels', remedy, self.backend_args)
        if self.ann_file and not fileio.exists(self.ann_file, backend_args=self.backend_args):
            raise FileNotFoundError(f'expected the list of the split in {osp.abspath(self.ann_file)} but there is no '
                                    f'such file. {remedy}')
        samples = super().load_data_list()
        if not samples:
            raise ValueError(f'found no files *{self.img_suffix} in {osp.abspath(images)}. {remedy}')
        for key, what in (('img_path', 'images'), ('seg_map_path', 'labels')):
            lost = [s[key] for s in samples if key in s and not fileio.exists(s[key], backend_args=self.backend_args)]
            if lost:
                raise ValueError(f'{len(lost)} of {len(samples)} {what} are missing: {few(lost, 3)}. {remedy}')
        return samples


@DATASETS.register_module()
class CheckedCityscapesDataset(CheckedFolders, CityscapesDataset):
    """``mmseg.datasets.CityscapesDataset`` with helpful errors."""
    REMEDY = ('Get leftImg8bit and gtFine from cityscapes-dataset.com and make the *_gtFine_labelTrainIds.png with '
              'cityscapesScripts (csCreateTrainIdLabelImgs); then set the environment variable CITYSCAPES_ROOT or the '
              'config key {train,val,test}_dataloader.dataset.data_root to the folder that holds both.')


@DATASETS.register_module()
class CheckedADE20KDataset(CheckedFolders, ADE20KDataset):
    """``mmseg.datasets.ADE20KDataset`` with helpful errors."""
    REMEDY = ('Get ADEChallengeData2016 from the MIT Scene Parsing Benchmark; then set the environment variable '
              'ADE20K_ROOT or the config key {train,val,test}_dataloader.dataset.data_root to that folder.')


@DATASETS.register_module()
class CheckedPascalVOCDataset(CheckedFolders, PascalVOCDataset):
    """``mmseg.datasets.PascalVOCDataset`` with helpful errors."""
    REMEDY = ('Get VOC2012 and, for the split "aug", SBD, and convert SBD with mmseg\'s '
              'tools/dataset_converters/voc_aug.py; then set the environment variable VOC2012_ROOT or the data_root '
              'keys in the config to the folder VOC2012.')
