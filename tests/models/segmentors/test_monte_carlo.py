import pytest
import torch

from tests.references import classic

SAMPLED = {'type': 'MonteCarloEncoderDecoder', 'backbone.dropout': (0, 0.5, 0.5, 0.5), 'samples': 3}
METAS = [dict(img_shape=(32, 48))]


def test_softmax_of_the_logits_is_the_mean_probability():
    model = classic.build('segnet-basic', **SAMPLED)
    image = torch.randn(1, 3, 32, 48)
    with torch.no_grad():
        torch.manual_seed(1)
        out = model.encode_decode(image, METAS)
        torch.manual_seed(1)
        model.backbone.dropout.train()
        samples = [classic.logits(model, image).softmax(1) for _ in range(3)]
    assert (samples[0] - samples[1]).abs().max() > 1e-4
    torch.testing.assert_close(out.softmax(1), sum(samples) / 3)


def test_modes_are_restored_and_batch_norm_stays_in_evaluation():
    model = classic.build('segnet-basic', **SAMPLED)
    before = {k: v.clone() for k, v in model.state_dict().items()}
    with torch.no_grad():
        model.encode_decode(torch.randn(1, 3, 32, 48), METAS)
    assert not any(m.training for m in model.modules())
    assert all(torch.equal(v, before[k]) for k, v in model.state_dict().items())


def test_a_network_without_dropout_is_refused():
    with pytest.raises(ValueError, match='needs dropout'):
        classic.build('segnet-basic', type='MonteCarloEncoderDecoder')


class Given(torch.nn.Module):
    """A head that answers with the given logits, one after the other."""

    def __init__(self, *logits):
        super().__init__()
        self.left = list(logits)

    def forward(self, inputs):
        return self.left.pop(0)


def sampled(*logits):
    """What the segmentor makes of samples with these logits."""
    model = classic.build('segnet-basic', **dict(SAMPLED, samples=len(logits)))
    model.decode_head.forward = Given(*logits).forward
    model.out_channels = model.decode_head.out_channels = logits[0].shape[1]
    with torch.no_grad():
        return model.encode_decode(torch.zeros(1, 3, *logits[0].shape[2:]), [dict(img_shape=logits[0].shape[2:])])


def test_classes_that_are_all_but_impossible_stay_finite():
    """exp(-300) is no float32: its log must be taken before, or resizing makes NaN of -inf."""
    logits = torch.tensor([300., 0., -200.]).view(1, 3, 1, 1).repeat(1, 1, 2, 3)
    out = sampled(logits, logits)
    torch.testing.assert_close(out, logits - 300.)
    larger = torch.nn.functional.interpolate(out, size=(5, 7), mode='bilinear', align_corners=True)
    assert larger.isfinite().all()


def test_samples_that_disagree_beyond_single_precision():
    a, b = torch.tensor([200., 0.]).view(1, 2, 1, 1), torch.tensor([0., 0.]).view(1, 2, 1, 1)
    out = sampled(a, b)
    expected = torch.tensor([0.75, 0.25], dtype=torch.float64).log().float()  # means of (1, e^-200) and (1/2, 1/2)
    torch.testing.assert_close(out.flatten(), expected)


def test_one_channel_is_averaged_as_a_sigmoid():
    a, b = torch.tensor([[3., -150.]]).view(1, 1, 1, 2), torch.tensor([[-1., -150.]]).view(1, 1, 1, 2)
    out = sampled(a, b).flatten()
    mean = (a + 0).sigmoid().flatten()[0] / 2 + b.sigmoid().flatten()[0] / 2
    torch.testing.assert_close(out, torch.stack([torch.logit(mean), torch.tensor(-150.)]))
