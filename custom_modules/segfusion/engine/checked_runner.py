import torch
from mmengine.config import Config
from mmengine.device import get_device
from mmengine.dist import is_distributed
from mmengine.model import revert_sync_batchnorm
from mmengine.runner import Runner
from mmseg.registry import RUNNERS

from .faster_training import compile_parts, use_channels_last
from .lean_loss import use_lean_loss
from .lean_norm import use_lean_norm
from .memory import keep_freed_memory
from .names import DEFAULT_HOOKS, check_names

_register_default_hooks = Runner.register_default_hooks


def register_default_hooks(self, hooks=None) -> None:
    """mmengine's, but None switches off any default hook: mmengine says so, and asserts on all but its own six.

    Replaces the method of ``Runner`` itself: mmseg's tools/test.py builds that one, whatever ``runner_type`` says.
    """
    _register_default_hooks(
        self, {name: hook for name, hook in (hooks or {}).items() if hook is not None or name in DEFAULT_HOOKS})


Runner.register_default_hooks = register_default_hooks


class ConfigError(ValueError):
    """A config holds names that nothing is called by."""


@RUNNERS.register_module()
class CheckedRunner(Runner):
    """mmengine's ``Runner`` that looks at its config before it builds anything, and that also trains on CPUs.

    ``runner_type = 'CheckedRunner'`` in ``configs/_base_/default_runtime.py`` makes ``mim train mmseg`` build it.
    Differs from ``Runner``:

    * every name in the config is checked first, see :func:`~.names.check_names`; off by ``check_names = False``;
    * ``--launcher pytorch`` without a GPU runs on CPUs, by gloo; ``SyncBN``, which needs GPUs, becomes ``BN``;
    * on a CPU the process keeps memory that is freed, see :func:`~.memory.keep_freed_memory`;
    * ``channels_last = True`` trains in that memory format, see :func:`~.faster_training.use_channels_last`;
    * ``lean_loss = True`` keeps no map at full size for the backward pass, see :func:`~.lean_loss.use_lean_loss`;
    * ``lean_norm = True`` keeps no map behind a batch norm, see :func:`~.lean_norm.use_lean_norm`;
    * ``compile = True``, or a dict of what :func:`torch.compile` takes, compiles the parts of a network and not the
      step around them, see :func:`~.faster_training.compile_parts`;
    * a batch norm that gets a single value says what to change, and so does a GPU that is full.

    Raises:
        ConfigError: If the config holds a name that is not registered, or an argument that nothing takes; with the
            nearest right one.
    """

    @classmethod
    def from_cfg(cls, cfg: Config) -> 'CheckedRunner':
        problems = check_names(cfg) if cfg.get('check_names', True) else []
        wrapper = cfg.get('optim_wrapper') or {}
        if wrapper.get('type') == 'AmpOptimWrapper' and get_device() == 'cpu':
            problems.append('optim_wrapper.type: AmpOptimWrapper (--amp) needs a GPU; on CPUs mixed precision is '
                            'optim_wrapper.type=Bfloat16OptimWrapper, without --amp')
        if cfg.get('lean_norm', False) and (cfg.get('compile') or False) is not False:
            problems.append('lean_norm: what is compiled decides itself what it keeps; set compile=False or '
                            'lean_norm=False')
        if problems:
            raise ConfigError('\n'.join([f'{getattr(cfg, "filename", None) or "config"}:',
                                         *(f'  {problem}' for problem in problems)]))
        return super().from_cfg(cfg)

    def setup_env(self, env_cfg: dict) -> None:
        if get_device() == 'cpu':
            keep_freed_memory()
        if self.launcher == 'pytorch' and get_device() == 'cpu' and not is_distributed():
            torch.distributed.init_process_group('gloo')  # mmengine would ask for a CUDA device first
        super().setup_env(env_cfg)

    def wrap_model(self, model_wrapper_cfg, model):
        if self.cfg.get('channels_last', False):
            use_channels_last(model)
        if self.cfg.get('lean_loss', False):
            use_lean_loss(model)
        if self.cfg.get('lean_norm', False):
            use_lean_norm(model)
        if self.distributed and get_device() == 'cpu':
            norms = sum(isinstance(m, torch.nn.SyncBatchNorm) for m in model.modules())
            if norms:
                self.logger.warning(f'{norms} SyncBN layers become BN: SyncBN needs GPUs, so each process normalises '
                                    'by its own batch')
            model = revert_sync_batchnorm(model)
            model_wrapper_cfg = dict(
                dict(broadcast_buffers=False, find_unused_parameters=self.cfg.get('find_unused_parameters', False)),
                **(model_wrapper_cfg or {}), device_ids=None)
        return super().wrap_model(model_wrapper_cfg, model)

    def _maybe_compile(self, target: str) -> None:
        options = self.cfg.get('compile') or False
        if options is not False:
            count = compile_parts(self.model, **({} if options is True else options))
            self.logger.info(f'{count} parts of the network are compiled in the first iterations, which take minutes')

    def train(self):
        try:
            return super().train()
        except torch.cuda.OutOfMemoryError as error:
            left = [f'{name}=True' for name in ('lean_loss', 'lean_norm') if not self.cfg.get(name, False)]
            raise torch.cuda.OutOfMemoryError(
                f'{error}\nWhat takes less, without another result: {" ".join(left) or "nothing more"}. With another: '
                'optim_wrapper.type=Bfloat16OptimWrapper, or a smaller train_dataloader.batch_size or crop_size '
                '(--cfg-options of mim train)') from error
        except ValueError as error:
            if 'more than 1 value per channel' not in str(error):
                raise
            raise ValueError(
                f'a batch norm got a single value a channel ({error}): the network pools to one cell, and the batch on '
                'this device is one image. Raise train_dataloader.batch_size to at least 2 (and set drop_last=True if '
                "the last batch of an epoch may hold one), or use norm_cfg=dict(type='SyncBN') on several GPUs, or "
                "dict(type='GN', num_groups=32)") from error
