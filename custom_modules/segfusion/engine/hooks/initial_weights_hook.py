import os.path as osp
import re
from typing import Iterator, Tuple

from mmengine.hooks import Hook
from mmengine.model import BaseModule, is_model_wrapper
from mmengine.runner import BaseLoop, CheckpointLoader
from mmseg.registry import HOOKS

from .checkpoint_fit_hook import misfits

TRAINED = re.compile(r'_\d+xb\d+-')  # in the name of a config, hence of its work directory


@HOOKS.register_module()
class InitialWeightsHook(Hook):
    """Refuse to *train* from initial weights that are not there, or that do not fill the part they are for.

    A recipe that names a file is another recipe without it. mmengine finds a missing file by a bare
    ``FileNotFoundError``, and of a file that fits in part it loads that part and logs the rest. Here, before the first
    iteration, a missing file is answered with the command that makes it, and a part with
    ``init_cfg=dict(type='Pretrained')`` must get every tensor. Names of public weights (``open-mmlab://``, ``https://``)
    are left to mmengine, and so is what a part that initialises itself makes of its file.

    Raises:
        FileNotFoundError: If a file of ``init_cfg`` or ``load_from`` is missing; says how it is made.
        ValueError: If a file of ``init_cfg`` lacks tensors or has them in another shape; names them.
    """

    priority = 'VERY_HIGH'

    def before_run(self, runner) -> None:
        if not isinstance(runner._train_loop, BaseLoop):  # private to mmengine; in a test it is still a config, or None
            return
        config = runner.cfg.filename or 'CONFIG'
        model = runner.model.module if is_model_wrapper(runner.model) else runner.model
        for name, part, init_cfg in _pretrained_parts(model):
            path = init_cfg['checkpoint']
            key = f'model.{name}.init_cfg' if name else 'model.init_cfg'
            if not osp.isfile(path):
                raise FileNotFoundError(
                    f'{key} starts the training from {path}, which is not there. {_conversion(config, path)} Random '
                    f'weights need --cfg-options {key}=None, and are another recipe; configs with v1c in their name '
                    'start from public weights')
            if type(part).init_weights is BaseModule.init_weights:
                self._check_fit(key, part, path, init_cfg.get('prefix'))
        path = runner.cfg.get('load_from')
        if path and '://' not in path and not runner.cfg.get('resume') and not osp.isfile(path):
            stem = osp.basename(osp.dirname(path))
            remedy = (f'It is left there by\n    mim train segfusion {stem}.py --work-dir {osp.dirname(path)}\n'
                      if TRAINED.search(stem) else _conversion(config, path))
            raise FileNotFoundError(f'load_from starts the training from {path}, which is not there. {remedy} Another '
                                    'place: --cfg-options load_from=FILE')

    @staticmethod
    def _check_fit(key: str, part: BaseModule, path: str, prefix: str) -> None:
        state = CheckpointLoader.load_checkpoint(path, map_location='cpu')
        state = {re.sub(r'^module\.', '', k): v for k, v in state.get('state_dict', state).items()}
        if prefix:
            prefix = prefix.rstrip('.') + '.'
            state = {k[len(prefix):]: v for k, v in state.items() if k.startswith(prefix)}
        problem = misfits(state, part.state_dict())
        if problem:
            raise ValueError(f'{path} does not fill the part it is for, {key}: {problem}. The rest would start from '
                             'random weights: convert the file with the config that is trained')


def _pretrained_parts(model) -> Iterator[Tuple[str, BaseModule, dict]]:
    """(name, part, init_cfg) of every part that starts from a file on this machine."""
    for name, part in model.named_modules():
        init_cfgs = getattr(part, 'init_cfg', None) or ()
        for init_cfg in (init_cfgs if isinstance(init_cfgs, (list, tuple)) else (init_cfgs, )):
            if init_cfg.get('type') == 'Pretrained' and '://' not in init_cfg['checkpoint']:
                yield name, part, init_cfg


def _conversion(config: str, path: str) -> str:
    return ("Make it from the authors' file, which the README of the method names:\n"
            f'    python tools/convert_checkpoint.py --config {config} AUTHORS_FILE {path}\n'
            'Converted files elsewhere? Set the environment variable CONVERTED_ROOT to their folder.')
