"""Shared by the tests of the classic networks: build from a base config, compare with the stored outputs, count."""
import json
from pathlib import Path

import torch
from mmengine.config import Config
from mmseg.registry import MODELS
from torch.utils.flop_counter import FlopCounterMode

from segfusion.convert import LAYOUTS, choose_layout, convert, strip_wrapper
from tests.references import golden

MODEL_CONFIGS = Path(__file__).parents[2] / 'configs' / '_base_' / 'models'


def build(config, device='cpu', **changes):
    """The network of ``configs/_base_/models/<config>.py`` in evaluation, with ``changes`` by dotted key."""
    cfg = Config.fromfile(MODEL_CONFIGS / f'{config}.py')
    cfg.merge_from_dict({f'model.{k}': v for k, v in changes.items()})
    with torch.device(device):
        return MODELS.build(cfg.model).eval()


def logits(model, image):
    """The head's map, before any resizing to the labels."""
    return model.decode_head(model.extract_feat(image))


def assert_parity(name, model, post=lambda y: y, tolerance=1e-5):
    """Convert the reference's weights with the strict tool; compare relative to max|output|."""
    stored = golden.load(name)
    state = strip_wrapper({'state_dict': golden.reference_state(stored)})
    state, _ = convert(state, model.state_dict(), choose_layout(state, model.state_dict(), LAYOUTS))
    model.load_state_dict(state, strict=True)
    step = int(stored['step'])
    with torch.no_grad():
        output = post(logits(model, golden.image(*stored['size'].tolist())))[..., ::step, ::step]
    reference = torch.from_numpy(stored['output'])
    assert output.shape == reference.shape
    error = ((output - reference).abs().max() / float(stored['peak'])).item()
    assert error <= tolerance, f'{error:.1e} > {tolerance:.0e} of max|output|'
    assert json.loads(str(stored['meta']))['params'] == parameters(model)


def parameters(model):
    """Trainable and frozen parameters, without buffers."""
    return sum(p.numel() for p in model.parameters())


def gmacs(model, height=360, width=480):
    """Multiply-adds of one forward pass in 1e9, convolutions and matrix products only; ``model`` on ``meta``."""
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        logits(model, torch.empty(1, 3, height, width, device='meta'))
    return counter.get_total_flops() / 2e9


def assert_trains(model, height=65, width=97, batch=2, frozen=()):
    """At an odd size: finite logits of the image's size or an exact fraction; a gradient for every parameter."""
    model.train()
    inputs = torch.randn(batch, 3, height, width)
    labels = torch.randint(0, 11, (batch, 1, height, width))
    features = model.extract_feat(inputs)
    output = model.decode_head(features)
    assert output.isfinite().all()
    loss = model.decode_head.loss_by_feat(output, _samples(labels))['loss_ce']
    if model.with_auxiliary_head:
        heads = model.auxiliary_head
        heads = heads if isinstance(heads, torch.nn.ModuleList) else [heads]
        for head in heads:
            loss = loss + head.loss_by_feat(head(features), _samples(labels))['loss_ce']
    loss.backward()
    without = [
        n for n, p in model.named_parameters()
        if p.requires_grad and (p.grad is None or not p.grad.isfinite().all())
    ]
    assert not without, without
    fixed = {n for n, p in model.named_parameters() if not p.requires_grad}
    assert fixed == set(frozen), fixed ^ set(frozen)
    return output


def _samples(labels):
    from mmengine.structures import PixelData
    from mmseg.structures import SegDataSample
    return [SegDataSample(gt_sem_seg=PixelData(data=label)) for label in labels]
