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
