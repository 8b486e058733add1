"""An image that cannot be read is named where it is loaded, in whatever pipeline."""
import cv2
import numpy as np
import pytest
from mmcv.transforms import LoadImageFromFile as AnyLoadImageFromFile
from mmengine.dataset import Compose
from mmseg.registry import TRANSFORMS

IMAGE = np.arange(16 * 24 * 3, dtype=np.uint8).reshape(16, 24, 3)


def load(path, **kwargs):
    return Compose([dict(type='LoadImageFromFile', **kwargs)])(dict(img_path=str(path)))


def test_good_images_are_what_mmcv_reads(tmp_path):
    cv2.imwrite(str(tmp_path / 'a.png'), IMAGE)
    ours, theirs = load(tmp_path / 'a.png'), AnyLoadImageFromFile()(dict(img_path=str(tmp_path / 'a.png')))
    assert type(TRANSFORMS.build(dict(type='LoadImageFromFile'))) is not AnyLoadImageFromFile
    assert (ours['img'] == IMAGE).all() and (theirs['img'] == IMAGE).all()
    assert {k: v for k, v in ours.items() if k != 'img'} == {k: v for k, v in theirs.items() if k != 'img'}


@pytest.mark.parametrize('backend', ['cv2', 'pillow'])
@pytest.mark.parametrize('keep', [0, 40], ids=['empty', 'cut'])
def test_broken_images_are_named(tmp_path, keep, backend):
    path = tmp_path / 'a.png'
    cv2.imwrite(str(path), IMAGE)
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(ValueError, match=r'a\.png: the image cannot be read'):
        load(path, imdecode_backend=backend)


def test_ignore_empty_still_skips(tmp_path):
    (tmp_path / 'a.png').touch()
    assert load(tmp_path / 'a.png', ignore_empty=True) is None


def test_missing_images_are_missing(tmp_path):
    with pytest.raises(FileNotFoundError, match=r'a\.png'):
        load(tmp_path / 'a.png')
