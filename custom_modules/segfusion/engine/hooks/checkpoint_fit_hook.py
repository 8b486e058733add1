import re
from typing import Mapping, Sequence, Tuple

from mmengine.hooks import Hook
from mmengine.model import BaseTTAModel, is_model_wrapper
from mmengine.runner import BaseLoop
from mmseg.registry import HOOKS
from torch import Tensor, nn

OPTIONAL = ('refiner.', 'auxiliary_head.')


@HOOKS.register_module()
class CheckpointFitHook(Hook):
    """Refuse to *test* with a checkpoint that does not fill the network.

    mmengine loads what fits and logs the rest, so a wrong file or a wrong config ends as a table of low scores. In a
    test every tensor of the network must come from the file. In training nothing is checked: there a file that fits in
    part is a common start.

    Args:
        optional (Sequence[str]): Prefixes of tensors that may be missing. Defaults to those of a refiner, which works
            untrained, and of auxiliary heads, which a test does not run.

    Raises:
        ValueError: If tensors are missing in the file or differ in shape; names them and says what to do.
    """

    priority = 'VERY_HIGH'

    def __init__(self, optional: Sequence[str] = OPTIONAL):
        self.optional = tuple(optional)

    def after_load_checkpoint(self, runner, checkpoint: dict) -> None:
        if isinstance(runner._train_loop, BaseLoop):  # private to mmengine; in a test it is still a config, or None
            return
        model = runner.model
        while is_model_wrapper(model) or isinstance(model, BaseTTAModel):  # DDP, and what --tta puts around
            model = model.module
        require_fit(model, checkpoint, self.optional)


def require_fit(model: nn.Module, checkpoint: dict, optional: Sequence[str] = OPTIONAL) -> None:
    """What :class:`CheckpointFitHook` does, for a network outside a runner."""
    found = {re.sub(r'^module\.', '', k): v for k, v in checkpoint.get('state_dict', checkpoint).items()}
    problem = misfits(found, model.state_dict(), tuple(optional))
    if problem:
        raise ValueError(
            f'the checkpoint does not fit this config: {problem}. Test with the config it was trained with (a '
            'different number of classes shows in conv_seg); a file from the authors goes through '
            'tools/convert_checkpoint.py first')


def misfits(found: Mapping[str, Tensor], wanted: Mapping[str, Tensor], optional: Tuple[str, ...] = ()) -> str:
    """What of ``wanted`` a state dict does not fill, in words; '' if it fills all but names that begin so."""
    missing, differing = [], []
    for name, value in wanted.items():
        if name.startswith(optional) or name.endswith('num_batches_tracked'):
            continue
        if name not in found:
            missing.append(name)
        elif found[name].shape != value.shape:
            differing.append(f'{name}: file {tuple(found[name].shape)}, network {tuple(value.shape)}')
    if not missing and not differing:
        return ''
    return (f'{len(missing)} tensors missing{_some(missing)}, {len(differing)} of another shape{_some(differing)}')


def _some(names: Sequence[str]) -> str:
    return f' ({", ".join(names[:3])}{", ..." if len(names) > 3 else ""})' if names else ''
