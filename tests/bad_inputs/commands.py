"""Command lines."""
from types import SimpleNamespace

from mmengine.logging import MessageHub
from mmseg.registry import HOOKS

from segfusion.diagnosis.loading import load_config
from segfusion.study.report_markdown import scores_table

from . import case

SFNET = 'configs/sfnet/sfnet_r18_1xb4-1k_street-scenes-192x256.py'


@case('Commands', 'config that does not exist')
def _(folder):
    load_config('configs/sfnet/sfnet_r18.py')


@case('Commands', 'file that is no config')
def _(folder):
    load_config('README.md')


@case('Commands', 'override without a value')
def _(folder):
    load_config(SFNET, ['model.decode_head.channels'])


@case('Commands', 'table of a test that has not finished')
def _(folder):
    scores_table(folder)


@case('Commands', 'negative number of masks for the audit')
def _(folder):
    HOOKS.build(dict(type='LabelAuditHook', num_samples=-1))


@case('Commands', 'a loss that is not a number')
def _(folder):
    hub = MessageHub('bad_inputs')
    losses = {'loss': float('nan'), 'decode.loss_ce': float('nan'), 'aux.loss_ce': 1.25}
    for name, value in losses.items():
        hub.update_scalar(f'train/{name}', value)
    runner = SimpleNamespace(message_hub=hub, iter=99, work_dir=str(folder), optim_wrapper=None)
    HOOKS.build(dict(type='FiniteLossHook')).after_train_iter(runner, 0, outputs=losses)
