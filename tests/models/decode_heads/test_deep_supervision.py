"""Side outputs reach the auxiliary heads of the same step, and live no longer than it."""
import threading
import weakref

import pytest
import torch

from segfusion.models.decode_heads.deep_supervision import offer_side_outputs, take_side_outputs
from tests.references.networks import network
from tests.references.samples import batch

NAMES = ['sfnet', 'sfnet_lite', 'alignseg', 'gff', 'gfrnet']


def offered(requires_grad=True):
    """A main head's step in small: one level, one side output made from it, logits made from that."""
    level = torch.ones(1, 2, 3, 3, requires_grad=requires_grad)
    features = [level * 2]
    side = features[0] * 3
    logits = side * 4
    offer_side_outputs(features, [side], logits)
    return features, side, logits


def in_another_thread(function):
    """As CUDA does it: the backward of a device runs in the device's thread."""
    thread = threading.Thread(target=function)
    thread.start()
    thread.join()


def test_offered_is_taken():
    features, side, logits = offered()
    assert take_side_outputs(features)[0] is side


@pytest.mark.parametrize('run', [lambda f: f(), in_another_thread], ids=['same thread', 'another thread'])
def test_backward_releases_in_any_thread(run):
    features, side, logits = offered()
    gone = weakref.ref(side)
    del side
    assert gone() is not None
    run(logits.sum().backward)
    # Features and logits are still held, as loss values with their graph are by the log.
    assert gone() is None
    with pytest.raises(RuntimeError, match='no side outputs'):
        take_side_outputs(features)


@pytest.mark.parametrize('requires_grad', [True, False])
def test_dropped_step_releases_without_backward(requires_grad):
    features, side, logits = offered(requires_grad)
    gone = weakref.ref(side)
    take_side_outputs(features)
    del features, side, logits
    assert gone() is None


def test_logits_that_nobody_wants_do_not_take_side_outputs_with_them():
    features, side, logits = offered()
    del logits
    assert take_side_outputs(features)[0] is side


def test_of_two_forwards_each_releases_its_own():
    first, second = offered(), offered()
    gone = [weakref.ref(first[1]), weakref.ref(second[1])]
    logits = first[2]
    assert take_side_outputs(second[0])[0] is second[1]
    with pytest.raises(RuntimeError, match='no side outputs'):
        take_side_outputs(first[0])
    del first
    logits.sum().backward()
    assert gone[0]() is None and take_side_outputs(second[0])[0] is second[1]


@pytest.fixture
def made(monkeypatch):
    """Weak references to all side outputs that any head offers."""
    kept = []

    def spy(inputs, outputs, logits):
        kept.extend(weakref.ref(output) for output in outputs)
        offer_side_outputs(inputs, outputs, logits)

    for name in ('top_down', 'sfnet_lite', 'gff', 'alignseg', 'gfrnet'):
        monkeypatch.setattr(f'segfusion.models.decode_heads.{name}_head.offer_side_outputs', spy)
    return kept


def alive(references):
    return sum(reference() is not None for reference in references)


@pytest.mark.parametrize('name', NAMES)
def test_nothing_outlives_a_step(name, made):
    model = network(name, data_preprocessor__size=(33, 65)).train()
    data = model.data_preprocessor(batch(11, size=(33, 65)), True)
    total, log = model.parse_losses(model(**data, mode='loss'))  # both hold the graph, as they do in a training loop
    assert made and alive(made)
    in_another_thread(total.backward)
    assert not alive(made)


def test_nothing_outlives_a_forward_without_backward(made):
    """Statistics of norms are estimated so: training mode, no gradient. Evaluation offers nothing at all."""
    model = network('sfnet', data_preprocessor__size=(33, 65)).train()
    data = model.data_preprocessor(batch(11, size=(33, 65)), True)
    losses = model(**data, mode='loss')
    assert alive(made)
    del losses
    assert not alive(made)
    with torch.no_grad():
        losses = model(**data, mode='loss')
    assert losses and not alive(made)
    offered = len(made)
    with torch.no_grad():
        model.eval()(**data, mode='predict')
    assert len(made) == offered
