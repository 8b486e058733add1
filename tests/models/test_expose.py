import torch

from segfusion.models.align import FlowAlign
from segfusion.models.expose import expose, watch


def test_a_watcher_sees_named_maps_of_its_model_only():
    model = torch.nn.ModuleDict(dict(a=FlowAlign(4, align_corners=True)))
    other = FlowAlign(4, align_corners=True)
    coarse, fine = torch.randn(1, 4, 3, 4), torch.randn(1, 4, 6, 8)
    with watch(model) as seen:
        model['a'](coarse, fine)
        other(coarse, fine)
    assert list(seen) == ['a.offset']
    torch.testing.assert_close(seen['a.offset'], model['a'].flow(coarse, fine).detach())
    assert not seen['a.offset'].requires_grad


def test_watching_ends_with_the_block_even_after_an_error():
    module = torch.nn.Identity()
    try:
        with watch(module) as seen:
            raise KeyError
    except KeyError:
        pass
    expose(module, gate=torch.ones(1))
    assert not seen


def test_functions_are_called_only_for_a_watcher():
    module, calls = torch.nn.Identity(), []

    def gate():
        calls.append(1)
        return torch.ones(1)

    expose(module, gate=gate)
    assert not calls
    with watch(module) as seen:
        expose(module, gate=gate)
    assert calls == [1] and torch.equal(seen['gate'], torch.ones(1))
