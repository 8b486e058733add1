import cv2
import numpy as np
import pytest
import torch

from segfusion.models.backbones import WithEdges
from tests.references import golden

TRUNK = dict(type='WideResNet38', base_channels=2, out_indices=(0, 1))
MEAN, STD = [123.675, 116.28, 103.53], [58.395, 57.12, 57.375]


def test_edges_of_the_normalised_image_are_the_authors():
    data = golden.load('modern_gscnn_wrn38')
    edges = WithEdges(TRUNK).edges(golden.image(96, 128))
    expected = torch.from_numpy(data['canny']).float()
    assert expected.mean() > 50
    assert torch.equal(edges, expected)


def test_numbers_are_cut_to_bytes():
    """0.9 -> 0, -0.9 -> 0, -1.5 -> 255, 2.1 -> 2: a step from 0 to -1 is a step to white, one from 0 to 2 is none."""
    x = torch.full((1, 3, 16, 24), 0.9)
    x[..., 12:] = -1.5
    as_bytes = np.zeros((16, 24, 3), np.uint8)
    as_bytes[:, 12:] = 255
    net = WithEdges(TRUNK)
    assert np.array_equal(net.edges(x)[0, 0].numpy(), cv2.Canny(as_bytes, 10, 100))
    assert net.edges(x).any()
    x[..., 12:] = 2.1
    assert not net.edges(x).any()
    x[..., 12:] = -0.9
    assert not net.edges(x).any()


def test_edges_of_the_image_are_opencvs():
    rng = np.random.default_rng(0)
    picture = cv2.GaussianBlur(rng.integers(0, 256, (45, 62, 3)).astype(np.float32), (0, 0), 1.5)
    picture = ((picture - picture.min()) / np.ptp(picture) * 255).astype(np.uint8)
    x = ((torch.from_numpy(picture).float() - torch.tensor(MEAN)) / torch.tensor(STD)).permute(2, 0, 1)[None]
    edges = WithEdges(TRUNK, of='image', mean=MEAN, std=STD).edges(x)
    assert edges.any() and np.array_equal(edges[0, 0].numpy(), cv2.Canny(picture, 10, 100))


def test_levels_come_first_and_carry_the_gradient():
    net = WithEdges(TRUNK).train()
    image = torch.randn(2, 3, 33, 41, requires_grad=True)
    *levels, edges = net(image)
    assert [level.shape[1] for level in levels] == [2, 4]
    assert edges.shape == (2, 1, 33, 41) and not edges.requires_grad
    assert set(edges.unique().tolist()) <= {0., 255.}
    sum(level.sum() for level in levels).backward()
    assert not [name for name, p in net.named_parameters() if p.grad is None]


def test_wrong_choices_are_named():
    with pytest.raises(ValueError, match="'normalised' or 'image', got 'picture'"):
        WithEdges(TRUNK, of='picture')
    with pytest.raises(ValueError, match="of='image' needs mean and std"):
        WithEdges(TRUNK, of='image')
