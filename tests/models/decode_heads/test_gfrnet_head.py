import pytest
import torch
import torch.nn.functional as F

from tests.references import classic


def test_parity_with_the_release():
    classic.assert_parity('classic_gfrnet_camvid', classic.build('gfrnet_vgg16'))


def test_cost():
    model = classic.build('gfrnet_vgg16', device='meta')
    assert classic.gmacs(model) == pytest.approx(58.12, abs=5e-3)


def test_every_prediction_is_supervised():
    """Five side outputs, from the last refinement but one to the first prediction, at the encoder's sizes."""
    model = classic.build('gfrnet_vgg16').train()
    features = model.extract_feat(torch.randn(2, 3, 65, 97))
    model.decode_head(features)
    sizes = [tuple(head(features).shape[2:]) for head in model.auxiliary_head]
    assert sizes == [(33, 49), (17, 25), (9, 13), (5, 7), (3, 4)]
    assert not list(model.auxiliary_head.parameters())


def test_trains_at_an_odd_size_and_returns_to_it():
    assert classic.assert_trains(classic.build('gfrnet_vgg16'), 65, 97).shape == (2, 11, 65, 97)


def test_closed_gates_leave_the_resized_first_prediction():
    """With zero gates and identity refinements, the logits are the first prediction resized step by step."""
    head = classic.build('gfrnet_vgg16').decode_head.eval()
    with torch.no_grad():
        for gate, pred in zip(head.gates, head.preds):
            gate.norm.weight.zero_()
            for p in pred.parameters():
                p.zero_()
            pred.weight[range(11), range(11, 22), 1, 1] = 1
    maps = [torch.randn(1, c, *s) for c, s in zip(
        (64, 128, 256, 512, 512, 512, 1024), ((33, 40), (17, 20), (9, 10), (5, 5), (3, 3), (2, 2), (2, 2)))]
    expected = head.first_pred(maps[-1])
    for x in maps[4::-1]:
        expected = F.interpolate(expected, x.shape[2:], mode='bilinear', align_corners=True)
    torch.testing.assert_close(head(maps), expected)
