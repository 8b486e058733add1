"""Command lines."""
from types import SimpleNamespace

import numpy as np
from mmengine.logging import MessageHub
from mmseg.registry import HOOKS

import segfusion
from segfusion.deploy import example_image, predict_image
from segfusion.deploy.windows import windows
from segfusion.diagnosis.loading import load_config
from segfusion.study.report_markdown import scores_table
from segfusion.visualization import check_indices

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


@case('Commands', '`--index 40` of 40 images')
def _(folder):
    check_indices([0, 40], 40)


@case('Commands', '`--size 0 0`')
def _(folder):
    example_image((0, 0))


@case('Commands', '`--pixels` too few for a window')
def _(folder):
    windows(4000, 6000, 100_000)


@case('Commands', 'array with an alpha channel, in Python')
def _(folder):
    predict_image(None, np.zeros((8, 9, 4), np.uint8))


@case('Commands', 'array with channels first, in Python')
def _(folder):
    predict_image(None, np.zeros((3, 8, 9), np.uint8))


@case('Commands', 'colours in 0..1, in Python')
def _(folder):
    predict_image(None, np.zeros((8, 9, 3)))


@case('Commands', 'network misspelt, `get_model`')
def _(folder):
    segfusion.get_model('sfnet_18')


@case('Commands', 'ImageNet weights of a network without any, `get_model`')
def _(folder):
    segfusion.get_model('enet', pretrained=True)


@case('Commands', 'single image without its batch axis, `get_model`')
def _(folder):
    segfusion.get_model('enet')(segfusion.deploy.example_image((64, 64))[0])


@case('Commands', 'a loss that is not a number')
def _(folder):
    hub = MessageHub('bad_inputs')
    losses = {'loss': float('nan'), 'decode.loss_ce': float('nan'), 'aux.loss_ce': 1.25}
    for name, value in losses.items():
        hub.update_scalar(f'train/{name}', value)
    runner = SimpleNamespace(message_hub=hub, iter=99, work_dir=str(folder), optim_wrapper=None)
    HOOKS.build(dict(type='FiniteLossHook')).after_train_iter(runner, 0, outputs=losses)
