import cv2
from mmcv.transforms import LoadImageFromFile as AnyLoadImageFromFile
from mmseg.registry import TRANSFORMS


@TRANSFORMS.register_module()
class LoadImageFromFile(AnyLoadImageFromFile):
    """mmcv's transform of that name, which names the file when it cannot be read.

    An empty file ends mmcv's in an assertion of OpenCV without a name. mmseg's registry has no ``LoadImageFromFile`` of
    its own, so this one is what pipelines get in mmseg's scope, as mmseg's ``LoadAnnotations`` stands before mmcv's.

    Args:
        **kwargs: Of mmcv's.

    Raises:
        ValueError: If the file is empty, cut off, or of a format that the decoder does not know.
    """

    def transform(self, results: dict) -> dict:
        try:
            return super().transform(results)
        except (cv2.error, AssertionError, OSError, ValueError, SyntaxError) as error:
            if getattr(error, 'errno', None) is not None:  # the system's: no such file, no permission
                raise
            raise ValueError(f'{results["img_path"]}: the image cannot be read (empty, cut off, or of another format); '
                             'copy or download it again, or take it out of the data set') from error
