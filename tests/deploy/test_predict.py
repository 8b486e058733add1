"""The predict command's function on a network whose answer is known: the brightest channel wins."""
import csv
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmseg.models.segmentors import EncoderDecoder
from PIL import Image

from segfusion.deploy import OnnxSegmentor, draw_overlay, export_onnx, predict, predict_image
from segfusion.deploy.folder import label_dtype
from segfusion.deploy.predict import _frames

PALETTE = [[255, 0, 0], [0, 255, 0], [0, 0, 255]]


class BrightestChannel(EncoderDecoder):
    """Logits are the RGB channels."""

    def __init__(self):
        preprocessor = dict(type='SegDataPreProcessor', mean=[0., 0., 0.], std=[255.] * 3, bgr_to_rgb=True)
        super(EncoderDecoder, self).__init__(data_preprocessor=preprocessor)
        self.decode_head, self.align_corners, self.out_channels = torch.nn.Identity(), False, 3
        self.test_cfg = Config(dict(mode='whole'))
        self.dataset_meta = dict(classes=('red', 'green', 'blue'), palette=PALETTE)
        self.cfg = Config(dict(test_pipeline=[dict(type='LoadImageFromFile'), dict(type='PackSegInputs')]))
        self.eval()

    def extract_feat(self, inputs):
        return inputs

    def encode_decode(self, inputs, batch_img_metas):
        return inputs


def sample(seed=0, size=(20, 31)):
    """RGB noise without ties, and the channel that is brightest."""
    image = np.random.default_rng(seed).permutation(256 * 3)[:3].astype(np.uint8)
    rng = np.random.default_rng(seed)
    image = np.stack([rng.permutation(size[0] * size[1]).reshape(size) % 85 * 3 + c for c in range(3)], -1)
    return image.astype(np.uint8), image.argmax(-1)


@pytest.fixture
def folder(tmp_path):
    (tmp_path / 'in').mkdir()
    for i, suffix in enumerate(('png', 'bmp')):
        Image.fromarray(sample(i)[0]).save(tmp_path / 'in' / f'{i}.{suffix}')
    return tmp_path


def mask(path):
    return np.array(Image.open(path))


def test_folder_gives_masks_overlays_and_areas(folder):
    report = predict(BrightestChannel(), str(folder / 'in'), str(folder / 'out'))
    rows = list(csv.reader(open(folder / 'out' / 'areas.csv')))
    assert rows[0] == ['file', 'width', 'height', 'red', 'green', 'blue'] and not report.unreadable
    for i, name in enumerate(('0.png', '1.bmp')):
        image, truth = sample(i)
        np.testing.assert_array_equal(mask(folder / 'out' / 'masks' / f'{i}.png'), truth)
        np.testing.assert_array_equal(
            mask(folder / 'out' / 'overlays' / f'{i}.png'),
            ((image.astype(float) + np.array(PALETTE)[truth]) / 2).round())
        shares = [(truth == c).mean() for c in range(3)]
        np.testing.assert_allclose(report.areas[name], shares)
        assert rows[i + 1][:3] == [name, '31', '20']
        np.testing.assert_allclose(np.array(rows[i + 1][3:], float), shares, atol=1e-6)


def test_onnx_file_and_checkpoint_give_the_same(folder):
    export_onnx(BrightestChannel(), str(folder / 'net.onnx'), (20, 31))
    deployed = OnnxSegmentor(str(folder / 'net.onnx'))
    assert deployed.dataset_meta == dict(classes=['red', 'green', 'blue'], palette=PALETTE)
    predict(deployed, str(folder / 'in' / '0.png'), str(folder / 'out'))
    np.testing.assert_array_equal(mask(folder / 'out' / 'masks' / '0.png'), sample(0)[1])


class Brightness(BrightestChannel):
    """One output, the green channel in -1..1: two classes."""

    def __init__(self, threshold=0.3):
        super().__init__()
        self.decode_head.threshold, self.out_channels = threshold, 1
        self.dataset_meta = dict(classes=('dark', 'light'), palette=[[0, 0, 0], [255, 255, 255]])

    def extract_feat(self, inputs):
        return 2 * inputs[:, 1:2] - 1

    def encode_decode(self, inputs, batch_img_metas):
        return self.extract_feat(inputs)


@pytest.mark.parametrize('threshold', [0.3, 0.6])
def test_onnx_file_of_one_output_predicts_with_its_threshold(folder, threshold):
    model, image = Brightness(threshold), sample(0)[0]
    report, = export_onnx(model, str(folder / 'net.onnx'), (20, 31))
    assert report.labels == 0
    expected = (torch.from_numpy(image[..., 1] / 127.5 - 1).sigmoid() > threshold).numpy()
    assert 0 < expected.mean() < 1
    for i, one in enumerate((model, OnnxSegmentor(str(folder / 'net.onnx')))):
        predict(one, str(folder / 'in' / '0.png'), str(folder / f'out{i}'))
        np.testing.assert_array_equal(mask(folder / f'out{i}' / 'masks' / '0.png'), expected)


class ManyClasses(BrightestChannel):
    """300 classes, of which the brightness of the red channel names one: 0, 100, 200 or 299."""

    def __init__(self):
        super().__init__()
        self.out_channels, self.dataset_meta = 300, {}

    def encode_decode(self, inputs, batch_img_metas):
        wanted = torch.tensor([0, 100, 200, 299])[(inputs[:, 0] * 3.99).long()]
        return torch.nn.functional.one_hot(wanted, 300).permute(0, 3, 1, 2).float()


def test_more_than_256_classes_are_kept(folder):
    image = sample(0)[0]
    expected = np.array([0, 100, 200, 299])[(image[..., 0] / 255 * 3.99).astype(int)]
    assert predict_image(ManyClasses(), image).labels.dtype == np.uint16
    report = predict(ManyClasses(), str(folder / 'in' / '0.png'), str(folder / 'out'))
    np.testing.assert_array_equal(mask(folder / 'out' / 'masks' / '0.png'), expected)
    assert report.areas['0.png'][299] == (expected == 299).mean() > 0
    assert predict_image(BrightestChannel(), image).labels.dtype == np.uint8


def test_more_classes_than_a_png_holds_are_refused():
    with pytest.raises(ValueError, match='at most 65536 classes'):
        label_dtype(65537)


def test_names_are_counted_in_one_pass(monkeypatch):
    compared = []

    class Stem(str):
        __hash__ = str.__hash__

        def __eq__(self, other):
            compared.append(self)
            return str.__eq__(self, other)

    class Folder:
        names = [f'{i}.png' for i in range(500)]

        def exists(self):
            return True

        is_dir = exists

        def iterdir(self):
            return [Named(name) for name in self.names]

    class Named(type(Path())):
        stem = property(lambda self: Stem(self.name[:-4]))

    assert _frames(Folder())[1] == 500
    assert len(compared) < 2500
    Folder.names = ['0.png', '1.png', '0.bmp']
    with pytest.raises(ValueError, match='0.*but for the suffix'):
        _frames(Folder())


def test_video(folder):
    film = cv2.VideoWriter(str(folder / 'film.avi'), cv2.VideoWriter_fourcc(*'MJPG'), 5, (32, 16))
    for c in range(3):
        frame = np.full((16, 32, 3), 20, np.uint8)
        frame[..., c] = 220
        film.write(frame[..., ::-1])
    film.release()
    report = predict(BrightestChannel(), str(folder / 'film.avi'), str(folder / 'out'))
    assert [int(a.argmax()) for a in report.areas.values()] == [0, 1, 2]
    assert (mask(folder / 'out' / 'masks' / '000002.png') == 2).all()
    made = cv2.VideoCapture(str(folder / 'out' / 'overlay.mp4'))
    assert made.get(cv2.CAP_PROP_FRAME_COUNT) == 3 and made.get(cv2.CAP_PROP_FPS) == 5
    frame = made.read()[1][8, 16, ::-1].astype(int)  # red over mostly red
    assert abs(frame - [238, 10, 10]).max() < 30


def test_crf_smooths_what_the_image_does_not_separate():
    """Two halves of clear colour; single wrong pixels in between disappear."""
    image = np.zeros((24, 32, 3), np.uint8)
    image[:, :16, 0], image[:, 16:, 2] = 200, 200
    truth = image.argmax(-1)
    image[5, 5], image[18, 25] = (200, 201, 0), (0, 201, 200)
    plain, refined = (predict_image(BrightestChannel(), image, crf) for crf in (None, dict(iterations=5)))
    assert (plain.labels != truth).sum() == 2
    assert (refined.labels == truth).all() and refined.logits.shape == (3, 24, 32)


def test_overlay_extremes():
    image, labels = sample()
    np.testing.assert_array_equal(draw_overlay(image, labels, PALETTE, 0), image)
    np.testing.assert_array_equal(draw_overlay(image, labels, PALETTE, 1), np.array(PALETTE)[labels])


@pytest.mark.parametrize('change, remedy', [
    (lambda rgb: np.dstack([rgb, rgb[..., :1]]), r'got \(20, 31, 4\).*alpha channel'),
    (lambda rgb: rgb.transpose(2, 0, 1), r'got \(3, 20, 31\).*transpose\(1, 2, 0\)'),
    (lambda rgb: rgb / 255, r'of type float64; convert its colour levels'),
    (lambda rgb: rgb[..., 0], r'got \(20, 31\).*convert\("RGB"\)'),
])
def test_arrays_that_are_no_rgb_pictures_are_answered(change, remedy):
    with pytest.raises(ValueError, match=remedy):
        predict_image(BrightestChannel(), change(sample()[0]))


def test_names_are_no_formulas_to_a_spreadsheet(folder):
    Image.fromarray(sample()[0]).save(folder / 'in' / '=HYPERLINK(1).png')
    model = BrightestChannel()
    model.dataset_meta['classes'] = ('@red', '-green', 'blue')
    predict(model, str(folder / 'in'), str(folder / 'out'))
    rows = list(csv.reader(open(folder / 'out' / 'areas.csv')))
    assert rows[0] == ['file', 'width', 'height', "'@red", "'-green", 'blue']
    assert sorted(r[0] for r in rows[1:]) == ["'=HYPERLINK(1).png", '0.png', '1.bmp']
    assert all(float(share) >= 0 for row in rows[1:] for share in row[1:])


def test_nothing_is_overwritten_silently(folder):
    (folder / 'out').mkdir()
    (folder / 'out' / 'mine.txt').write_text('keep')
    with pytest.raises(FileExistsError, match='--overwrite'):
        predict(BrightestChannel(), str(folder / 'in'), str(folder / 'out'))
    assert [p.name for p in (folder / 'out').iterdir()] == ['mine.txt']
    predict(BrightestChannel(), str(folder / 'in'), str(folder / 'out'), overwrite=True)
    assert (folder / 'out' / 'mine.txt').read_text() == 'keep' and (folder / 'out' / 'masks' / '1.png').exists()


def test_bad_sources_are_named(folder):
    model, out = BrightestChannel(), str(folder / 'out')
    (folder / 'in' / 'cut.jpg').write_bytes(b'\xff\xd8\xff\xe0 cut off')
    (folder / 'in' / 'empty.png').write_bytes(b'')
    report = predict(model, str(folder / 'in'), out)
    assert sorted(report.areas) == ['0.png', '1.bmp'] and sorted(report.unreadable) == ['cut.jpg', 'empty.png']
    with pytest.raises(ValueError, match='empty.png is not an image .*0 bytes'):
        predict(model, str(folder / 'in' / 'empty.png'), out + '1')
    with pytest.raises(FileNotFoundError, match='no file or folder .*gone'):
        predict(model, str(folder / 'gone'), out + '2')
    (folder / 'none').mkdir()
    (folder / 'none' / 'a.txt').write_text('')
    with pytest.raises(ValueError, match='no images in .*1 other entries, e.g. a.txt'):
        predict(model, str(folder / 'none'), out + '3')
    with pytest.raises(ValueError, match='expected an image'):
        predict(model, str(folder / 'none' / 'a.txt'), out + '4')
    (folder / 'film.mp4').write_bytes(b'no film')
    with pytest.raises(ValueError, match='not a video'):
        predict(model, str(folder / 'film.mp4'), out + '5')
    Image.fromarray(sample()[0]).save(folder / 'in' / '0.jpg')
    with pytest.raises(ValueError, match='several images named like 0'):
        predict(model, str(folder / 'in'), out + '6')
    with pytest.raises(FileNotFoundError, match='no file .*gone.onnx'):
        OnnxSegmentor(str(folder / 'gone.onnx'))
    with pytest.raises(ValueError, match='not an ONNX model'):
        OnnxSegmentor(str(folder / 'film.mp4'))
