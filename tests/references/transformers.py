"""Backbones alone against the stored outputs, and tiny transformers for what does not need real widths."""
import torch
from mmseg.registry import MODELS
from torch import nn

from . import golden


class Trunk(nn.Module):
    """A backbone under the name it has in a segmentor."""

    def __init__(self, cfg):
        super().__init__()
        self.backbone = MODELS.build(cfg)


def converted_trunk(cfg, data, wrapper='state_dict'):
    """The backbone of a config with the reference's drawn weights, through the converter; and its report."""
    from segfusion.convert import LAYOUTS, choose_layout, convert, strip_wrapper
    trunk = Trunk(cfg)
    state = strip_wrapper({wrapper: golden.reference_state(data), 'epoch': 1})
    wanted = trunk.state_dict()
    result, report = convert(state, wanted, choose_layout(state, wanted, LAYOUTS))
    missing, unexpected = trunk.backbone.load_state_dict(result, strict=False)
    # mmpretrain's Swin v2 computes these again and takes none from a file, not even its own.
    assert not unexpected and all(k.endswith(('relative_coords_table', 'relative_position_index')) for k in missing)
    return trunk.eval().backbone, report  # the host's backbones return nothing from eval()


def assert_levels(levels, data, names, tolerance):
    """Stored levels hold the first channels only."""
    for level, name in zip(levels, names, strict=True):
        golden.assert_parity(level[:, :data[name].shape[1]], data[name], tolerance)


def silent_parameters(module, *inputs):
    """Names of parameters that get no gradient in training, or a zero one, from everything the module gives."""
    module.train()
    outputs = module(*inputs)
    outputs = outputs if isinstance(outputs, (tuple, list)) else [outputs]
    sum((out * torch.linspace(-1, 1, out[0].numel(), dtype=out.dtype).view(1, *out.shape[1:])).sum()
        for out in outputs).backward()
    return [name for name, p in module.named_parameters() if p.grad is None or not p.grad.abs().max() > 0]
