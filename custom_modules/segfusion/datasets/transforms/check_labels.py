"""A guard behind ``LoadAnnotations``."""
from mmcv.transforms import BaseTransform
from mmseg.registry import TRANSFORMS

from ..checks import label_problem


@TRANSFORMS.register_module()
class CheckLabels(BaseTransform):
    """Refuse a label map that is not what the model was told, by file name; changes nothing.

    Put it directly behind ``LoadAnnotations``. A label out of range is otherwise a ``nan`` on the CPU and a device
    assert without a name on the GPU. Costs two comparisons a pixel. A sample that names no label file passes: mmseg's
    ``inference_model`` and ``MMSegInferencer`` take ``LoadAnnotations`` out of the test pipeline, and nothing else.

    Args:
        num_classes (int): Number of classes.
        ignore_index (int): Label that is allowed besides. Defaults to 255.

    Raises:
        ValueError: If label and image differ in size, the label has colours instead of indices, or a value is neither
            a class nor ``ignore_index``. Names the file and the values.
    """

    def __init__(self, num_classes: int, ignore_index: int = 255) -> None:
        self.num_classes = num_classes
        self.ignore_index = ignore_index

    def transform(self, results: dict) -> dict:
        if 'gt_seg_map' not in results:
            if results.get('seg_map_path') is None:
                return results
            raise ValueError('CheckLabels found no label map: expected it behind LoadAnnotations in the pipeline')
        # the image may have been resized already (test pipelines), its label not
        problem = label_problem(results['gt_seg_map'], self.num_classes, self.ignore_index, results.get('ori_shape'))
        if problem:
            note = ''
            if results.get('reduce_zero_label'):
                note = ' (values after reduce_zero_label: the file has them one higher)'
            raise ValueError(f'{results.get("seg_map_path")}: {problem}{note}. Image: {results.get("img_path")}. '
                             'Correct the file, or num_classes, label_map and ignore_index in the config')
        return results

    def __repr__(self) -> str:
        return f'{type(self).__name__}(num_classes={self.num_classes}, ignore_index={self.ignore_index})'
