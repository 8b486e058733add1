"""A decoded copy holds the same pixels, for images as OpenCV loads them and for labels as Pillow does."""
import io

import cv2
import numpy as np
import pytest
from mmseg.registry import TRANSFORMS
from PIL import Image

from segfusion.datasets.decoded import decode_folder, decoded

GENERATOR = np.random.default_rng(0)
PIXELS = GENERATOR.integers(0, 256, (13, 21, 3)).astype(np.uint8)


def file(image, kind, **kwargs):
    data = io.BytesIO()
    image.save(data, kind, **kwargs)
    return data.getvalue()


def image(data, tmp_path):
    (tmp_path / 'x').write_bytes(data)
    return TRANSFORMS.build(dict(type='LoadImageFromFile'))(dict(img_path=str(tmp_path / 'x')))['img']


def label(data, tmp_path):
    (tmp_path / 'x').write_bytes(data)
    return TRANSFORMS.build(dict(type='LoadAnnotations'))(
        dict(seg_map_path=str(tmp_path / 'x'), seg_fields=[], reduce_zero_label=False))['gt_seg_map']


@pytest.mark.parametrize('kind', ['PNG', 'JPEG', 'WEBP', 'BMP'])
@pytest.mark.parametrize('mode', ['RGB', 'L'])
def test_photographs_load_as_before(kind, mode, tmp_path):
    turned = dict(exif=Image.Exif()) if kind == 'JPEG' else {}
    if turned:
        turned['exif'][0x0112] = 6
    data = file(Image.fromarray(PIXELS).convert(mode), kind, **turned)
    made = decoded(data)
    assert Image.open(io.BytesIO(made)).format == 'PNG' and Image.open(io.BytesIO(made)).getexif() == {}
    assert np.array_equal(image(made, tmp_path), image(data, tmp_path))
    assert image(made, tmp_path).shape[:2] == ((21, 13) if turned else (13, 21))


@pytest.mark.parametrize('mode', ['L', 'P', '1', 'I;16'])
def test_labels_load_as_before(mode, tmp_path):
    values = GENERATOR.integers(0, 2, (13, 21)).astype(np.uint16 if mode == 'I;16' else np.uint8) * 7
    picture = Image.fromarray(values).convert(mode) if mode == '1' else Image.fromarray(values)
    if mode == 'P':
        picture = Image.fromarray(values, 'L')
        picture.putpalette(GENERATOR.integers(0, 256, 768).tolist())
    data = file(picture, 'PNG')
    assert Image.open(io.BytesIO(data)).mode == mode
    assert np.array_equal(label(decoded(data), tmp_path), label(data, tmp_path))


def test_photographs_are_stored_without_compression_and_transparent_ones_as_they_are():
    flat = Image.new('RGB', (640, 480), (1, 2, 3))
    assert len(decoded(file(flat, 'PNG'))) > 640 * 480 * 3
    clear = file(Image.new('RGBA', (64, 48), (1, 2, 3, 4)), 'PNG')
    assert decoded(clear) == clear


def test_a_folder_is_copied_and_continued(tmp_path):
    src, dst = tmp_path / 'src', tmp_path / 'dst'
    (src / 'train').mkdir(parents=True)
    (src / 'train' / 'a.webp').write_bytes(file(Image.fromarray(PIXELS), 'WEBP'))
    (src / 'train' / 'b.png').write_bytes(file(Image.fromarray(PIXELS), 'PNG'))
    (src / 'names.txt').write_text('a b')
    assert decode_folder(src, dst, quiet=True) == dict(images=2, others=1, kept=0)
    assert np.array_equal(cv2.imread(str(dst / 'train' / 'a.png')), cv2.imread(str(src / 'train' / 'a.webp')))
    assert (dst / 'names.txt').read_text() == 'a b'
    (dst / 'train' / 'b.png').unlink()
    assert decode_folder(src, dst, quiet=True) == dict(images=1, others=0, kept=2)


def test_what_cannot_be_copied_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match='nowhere'):
        decode_folder(tmp_path / 'nowhere', tmp_path / 'dst')
    src = tmp_path / 'src'
    src.mkdir()
    with pytest.raises(ValueError, match='none lies in the other'):
        decode_folder(src, src / 'dst')
    (src / 'a.png').write_bytes(b'')
    with pytest.raises(ValueError, match=r'a\.png: the image cannot be read'):
        decode_folder(src, tmp_path / 'dst', quiet=True)
    (src / 'a.jpg').touch()
    with pytest.raises(ValueError, match=r'would both be .*a\.png'):
        decode_folder(src, tmp_path / 'dst', quiet=True)
