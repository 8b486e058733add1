import numpy as np
import pytest
from PIL import Image

from segfusion.deploy.folder import draw_change, refine_folder, voc_palette


@pytest.fixture
def folders(tmp_path):
    """Two scenes: a dark and a bright half; scores that are noisy, but right on average."""
    rng = np.random.default_rng(0)
    for name in ('images', 'predictions'):
        (tmp_path / name).mkdir()
    truth = np.repeat([[0] * 10 + [1] * 14], 20, 0)
    image = np.where(truth[..., None], 200, 50) + rng.integers(-4, 5, (20, 24, 3))
    for i, suffix in enumerate(('.png', '.webp')):
        Image.fromarray(image.astype(np.uint8)).save(tmp_path / 'images' / f'{i}{suffix}')
        logits = np.stack([1 - truth, truth, np.zeros_like(truth)]) * 1.5 + rng.normal(0, 1, (3, 20, 24))
        np.save(tmp_path / 'predictions' / f'{i}.npy', logits.astype(np.float16))
    return tmp_path, truth


def run(folder, **kwargs):
    return refine_folder(str(folder / 'images'), str(folder / 'predictions'), str(folder / 'out'), **kwargs)


def test_noise_goes_and_the_edge_stays(folders):
    folder, truth = folders
    report = run(folder, iterations=10)
    assert [r.name for r in report] == ['0', '1']
    for i in '01':
        before = np.load(folder / 'predictions' / f'{i}.npy').argmax(0)
        after = np.array(Image.open(folder / 'out' / f'{i}.png'))
        assert (before != truth).mean() > 0.1 and (after != truth).mean() < 0.01
        assert report[int(i)].changed == pytest.approx((before != after).mean())
        assert report[int(i)].lost == [2]
        drawing = np.array(Image.open(folder / 'out' / 'changed' / f'{i}.png'))
        np.testing.assert_array_equal(drawing[:, 2 * 28:2 * 28 + 24], voc_palette()[after])


def test_probabilities_and_logits_are_told_apart(folders):
    folder, _ = folders
    run(folder)
    from_logits = [np.array(Image.open(folder / 'out' / f'{i}.png')) for i in '01']
    for i in '01':
        path = folder / 'predictions' / f'{i}.npy'
        e = np.exp(np.load(path).astype(np.float64))
        path.unlink()
        np.savez(path.with_suffix('.npz'), probabilities=(e / e.sum(0)).astype(np.float32))
    run(folder, draw=False)
    for i, old in enumerate(from_logits):
        np.testing.assert_array_equal(np.array(Image.open(folder / 'out' / f'{i}.png')), old)


def test_label_maps(folders):
    folder, truth = folders
    rng = np.random.default_rng(1)
    for i in '01':
        (folder / 'predictions' / f'{i}.npy').unlink()
        noisy = np.where(rng.random(truth.shape) < 0.15, 2, truth)
        noisy[5:8, 3:20] = 255  # unknown: filled from the surroundings
        Image.fromarray(noisy.astype(np.uint8)).save(folder / 'predictions' / f'{i}.png')
    with pytest.raises(ValueError, match='how many classes'):
        run(folder)
    with pytest.raises(ValueError, match='labels .H, W. below 2'):
        run(folder, num_classes=2)
    run(folder, num_classes=3, iterations=10)
    for i in '01':
        assert (np.array(Image.open(folder / 'out' / f'{i}.png')) != truth).mean() < 0.01


def test_errors_name_the_file(folders):
    folder, _ = folders
    with pytest.raises(ValueError, match='would replace them'):
        refine_folder(str(folder / 'images'), str(folder / 'predictions'), str(folder / 'predictions'))
    np.save(folder / 'predictions' / '1.npy', np.zeros((3, 9, 9), np.float32))
    with pytest.raises(ValueError, match='1.npy is 9x9, its image 20x24'):
        run(folder)
    (folder / 'images' / '1.webp').unlink()
    with pytest.raises(ValueError, match='1 of 2 predictions have no image .* 1.npy'):
        run(folder)


def test_palette_is_that_of_pascal_voc():
    assert voc_palette()[[0, 1, 2, 15, 20, 255]].tolist() == [[0, 0, 0], [128, 0, 0], [0, 128, 0], [192, 128, 128],
                                                          [0, 64, 128], [224, 224, 192]]
    same = np.zeros((2, 3), np.uint8)
    drawing = draw_change(np.full((2, 3, 3), 100, np.uint8), same, same)
    assert (drawing[:, -3:] == 150).all()
