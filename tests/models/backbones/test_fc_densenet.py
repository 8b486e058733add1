import pytest
import torch

from segfusion.models.backbones import FCDenseNet
from tests.references import classic

RUNNING = {'backbone.norm_cfg': dict(type='BN', _delete_=True)}


def test_parity_with_the_port_of_56():
    classic.assert_parity('classic_fcdensenet56', classic.build('fc-densenet56', **RUNNING),
                          post=lambda y: y.log_softmax(1))


@pytest.mark.parametrize('depth, channels, params, gmacs', [(56, 192, 1.377, 30.70), (67, 288, 3.463, 71.97),
                                                            (103, 256, 9.322, 69.07)])
def test_cost(depth, channels, params, gmacs):
    model = classic.build('fc-densenet56', device='meta', **{
        'backbone.depth': depth, 'decode_head.in_channels': channels, 'decode_head.channels': channels})
    assert model.backbone.out_channels[0] == channels
    assert classic.parameters(model) / 1e6 == pytest.approx(params, abs=5e-4)
    assert classic.gmacs(model) == pytest.approx(gmacs, abs=5e-3)


def test_widths_of_the_up_path_of_103():
    """What each up block ends with; the paper's table says 16 less."""
    with torch.device('meta'):
        net = FCDenseNet(103)
    widths = [b.layers[0].norm.num_features + 16 * len(b.layers) for b in net.up_blocks]
    assert widths == [1088, 816, 576, 384, 256]


def test_trains_at_an_odd_size_and_returns_to_it():
    assert classic.assert_trains(classic.build('fc-densenet56'), 33, 49).shape == (2, 11, 33, 49)


def small(**kwargs):
    torch.manual_seed(0)
    return FCDenseNet(56, growth=4, block_layers=(5, 6, 5, 6, 5), stem_channels=6, **kwargs)


def saved_bytes(net, image):
    """Gradients, and how much the forward pass keeps for them."""
    kept = {}

    def pack(x):
        kept[(x.untyped_storage().data_ptr(), x.untyped_storage().nbytes())] = x
        return x

    torch.manual_seed(1)  # the same dropout
    with torch.autograd.graph.saved_tensors_hooks(pack, lambda x: x):
        loss = net(image)[0].square().mean()
    size = sum(n for _, n in kept)
    loss.backward()
    return [p.grad for p in net.parameters()], size


def test_checkpointing_keeps_the_gradients_and_less_than_half_of_the_maps():
    image = torch.randn(2, 3, 40, 56)
    plain, plain_size = saved_bytes(small(), image)
    ours, size = saved_bytes(small(with_cp=True), image)
    for a, b in zip(ours, plain):
        torch.testing.assert_close(a, b)
    assert size < plain_size / 2, (size, plain_size)


def test_norms_use_the_batch_in_testing_too():
    net = small(dropout=0)
    image = torch.randn(1, 3, 33, 40)
    assert torch.equal(net.eval()(image)[0], net.train()(image)[0])
    assert not [k for k in net.state_dict() if 'running' in k]


def test_errors_name_the_remedy():
    with pytest.raises(ValueError, match=r'depths \[56, 67, 103\], got 121'):
        FCDenseNet(121)
    with pytest.raises(ValueError, match='at least 4x4 pixels, got 3x9'):
        small()(torch.zeros(1, 3, 3, 9))
