import cv2
from mmcv.transforms import LoadImageFromFile as AnyLoadImageFromFile
from mmseg.registry import TRANSFORMS


@TRANSFORMS.register_module()
class LoadImageFromFile(AnyLoadImageFromFile):
    """mmcv's transform of that name, which names the file when it cannot be read.

    An empty file ends mmcv's in an assertion of OpenCV without a name. mmseg's registry has no ``LoadImageFromFile`` of
    its own, so this one is what pipelines get in mmseg's scope, as mmseg's ``LoadAnnotations`` stands before mmcv's.

    Args:
        cached (bool): Keep decoded images in memory, for small data sets beside a fast device. Every worker keeps its
            own: 190 MB for CamVid's training split at 360x480. Defaults to False.
        **kwargs: Of mmcv's.

    Raises:
        ValueError: If the file is empty, cut off, or of a format that the decoder does not know.
    """

    def __init__(self, cached: bool = False, **kwargs):
        super().__init__(**kwargs)
        self.kept = {} if cached else None

    def transform(self, results: dict) -> dict:
        if self.kept is None:
            return self._load(results)
        path = results['img_path']
        if path not in self.kept:
            loaded = self._load(dict(results))
            if loaded is None:  # ignore_empty
                return None
            self.kept[path] = loaded['img']
        image = self.kept[path].copy()  # transforms may write into it
        return dict(results, img=image, img_shape=image.shape[:2], ori_shape=image.shape[:2])

    def _load(self, results: dict) -> dict:
        try:
            return super().transform(results)
        except (cv2.error, AssertionError, OSError, ValueError, SyntaxError) as error:
            if getattr(error, 'errno', None) is not None:  # the system's: no such file, no permission
                raise
            raise ValueError(f'{results["img_path"]}: the image cannot be read (empty, cut off, or of another format); '
                             'copy or download it again, or take it out of the data set') from error
