"""torch.compile with its default backend, against the same network run as written."""
import pytest
import torch

from tests.references.networks import network

pytestmark = pytest.mark.gpu


@pytest.mark.parametrize('training', [False, True], ids=['inference', 'training'])
@pytest.mark.parametrize('name', ['sfnet', 'alignseg', 'gff'])
def test_compiled_network_gives_the_same_numbers(name, training, device, single_precision):
    model = network(name).to(device).requires_grad_(training)
    image = torch.randn(2, 3, 64, 96, device=device)

    def logits(x):
        return model.decode_head(model.extract_feat(x))

    torch._dynamo.reset()
    expected, got = logits(image), torch.compile(logits)(image)
    assert (got - expected).abs().max() <= 1e-3 * expected.std()
    if training:
        parameters = [*model.backbone.parameters(), *model.decode_head.parameters()]
        probe = torch.randn_like(expected)
        pairs = zip(*(torch.autograd.grad((out * probe).sum(), parameters) for out in (expected, got)))
        for one, other in pairs:
            assert (one - other).abs().max() <= 1e-2 * one.abs().max() + 1e-4
