"""A CRF by PyTorch gives its threads back to a busy machine, and computes the same."""
import pytest
import torch

from segfusion.ops.crf import busy, crf, gaussian_filter


@pytest.fixture
def two_threads():
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


class Clock:
    """Of every second this thread runs for ``share``."""

    def __init__(self, share):
        self.wall, self.share = 0., share

    def __call__(self):
        self.wall += 1.
        return self.wall, self.share * self.wall


@pytest.mark.parametrize('share, threads', [(1., 2), (.9, 2), (.5, 1)])
def test_a_thread_that_waits_goes_on_alone(monkeypatch, two_threads, share, threads):
    monkeypatch.setattr(busy, '_times', Clock(share))
    with busy.one_thread_when_busy(torch.device('cpu')):
        assert torch.get_num_threads() == 2
        busy.look()
        assert torch.get_num_threads() == threads
        with busy.one_thread_when_busy(torch.device('cpu')):  # the outer block decides
            busy.look()
        assert torch.get_num_threads() == threads
    assert torch.get_num_threads() == 2
    busy.look()
    assert torch.get_num_threads() == 2


def test_threads_come_back_after_an_error(monkeypatch, two_threads):
    monkeypatch.setattr(busy, '_times', Clock(0.))
    with pytest.raises(KeyError), busy.one_thread_when_busy(torch.device('cpu')):
        busy.look()
        raise KeyError
    assert torch.get_num_threads() == 2


def test_a_crf_is_the_same_and_looks_often(monkeypatch, two_threads):
    torch.manual_seed(0)
    logits, image = torch.randn(1, 3, 23, 31), 255 * torch.rand(1, 3, 23, 31)
    monkeypatch.setattr(gaussian_filter, 'strips_work', lambda dtype, device: False)
    clocks, seen = [Clock(1.), Clock(.1)], []
    for clock in clocks:
        monkeypatch.setattr(busy, '_times', clock)
        seen.append(crf(logits, image, iterations=4))
    assert torch.equal(*seen)
    assert clocks[0].wall >= 1 + 1 + 4  # the start, a chunk of the lattice, the iterations
    assert clocks[1].wall < clocks[0].wall  # alone, nobody looks any more
