"""Checkpoints that do not fit, are cut off, or are something else."""
import os
import zipfile
from types import SimpleNamespace

import torch
from mmengine.runner import CheckpointLoader
from mmseg.registry import HOOKS
from torch import nn

from segfusion.convert import convert_file
from segfusion.deploy import load_segmentor

from . import case

DEMO = 'configs/sfnet/sfnet_r18_1xb4-demo_street-scenes-128x192.py'
CONFIG = 'configs/sfnet/sfnet_r18_8xb2-300e_cityscapes-1024x1024.py'


def convert(folder, content, **kwargs):
    path = folder / 'authors.pth'
    if isinstance(content, bytes):
        path.write_bytes(content)
    elif content is not None:
        torch.save(content, path)
    convert_file(CONFIG, str(path), str(folder / 'new.pth'), **kwargs)


class Bomb:
    """Runs a command when it is unpickled."""

    def __reduce__(self):
        return os.system, ('exit 1', )


class Logger:
    """Old training files hold things like this."""


@case('Checkpoints', 'converter: no such file')
def _(folder):
    convert(folder, None)


@case('Checkpoints', 'converter: target exists')
def _(folder):
    (folder / 'new.pth').write_text('precious')
    convert(folder, {})


@case('Checkpoints', 'converter: file of another network')
def _(folder):
    convert(folder, {'layer1.weight': torch.zeros(1)})


@case('Checkpoints', 'converter: unknown layout')
def _(folder):
    convert(folder, {'layer1.weight': torch.zeros(1)}, layout='sfnet_r18')


@case('Checkpoints', 'converter: file without tensors')
def _(folder):
    convert(folder, {'epoch': 3})


@case('Checkpoints', 'converter: file that holds objects')
def _(folder):
    convert(folder, {'state_dict': {'a': torch.zeros(1)}, 'logger': Logger()})


@case('Checkpoints', 'converter: download cut off')
def _(folder):
    torch.save({'a': torch.zeros(1000)}, folder / 'whole.pth')
    convert(folder, (folder / 'whole.pth').read_bytes()[:900])


@case('Checkpoints', 'converter: empty file')
def _(folder):
    convert(folder, b'')


@case('Checkpoints', 'converter: a web page saved as .pth')
def _(folder):
    convert(folder, b'<!DOCTYPE html><html><body>Sign in to download</body></html>')


@case('Checkpoints', 'converter: file of safetensors')
def _(folder):
    header = b'{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}'
    convert(folder, len(header).to_bytes(8, 'little') + header + bytes(4))


def read(folder, content, **kwargs):
    path = folder / 'best.pth'
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        torch.save(content, path, **kwargs)
    load_segmentor(DEMO, str(path))


@case('Checkpoints', 'predict with a file that would run code')
def _(folder):
    read(folder, {'state_dict': {'a': torch.zeros(1)}, 'args': Bomb()})


@case('Checkpoints', 'predict with an archive of something else')
def _(folder):
    with zipfile.ZipFile(folder / 'archive', 'w') as file:
        file.writestr('weights/readme.txt', 'see inside')
    read(folder, (folder / 'archive').read_bytes())


@case('Checkpoints', 'predict with a list of tensors')
def _(folder):
    read(folder, [torch.zeros(1)])


@case('Checkpoints', 'predict with a pointer of Git LFS')
def _(folder):
    read(folder, b'version https://git-lfs.github.com/spec/v1\n')


@case('Checkpoints', '`mim test mmseg` with a file that would run code')
def _(folder):
    torch.save({'state_dict': Bomb()}, folder / 'iter_1.pth')
    CheckpointLoader.load_checkpoint(str(folder / 'iter_1.pth'))


def tested(state):
    model = nn.Module()
    model.decode_head = nn.Conv2d(4, 11, 1)
    runner = SimpleNamespace(_train_loop=None, model=model)
    HOOKS.build(dict(type='CheckpointFitHook')).after_load_checkpoint(runner, dict(state_dict=state))


@case('Checkpoints', 'test with a checkpoint of another number of classes')
def _(folder):
    tested({'decode_head.weight': torch.zeros(19, 4, 1, 1), 'decode_head.bias': torch.zeros(19)})


@case('Checkpoints', 'test with the authors\' file, not converted')
def _(folder):
    tested({'module.conv_last.weight': torch.zeros(11, 4, 1, 1)})


@case('Checkpoints', 'warm-up of a part that the model does not have')
def _(folder):
    model = nn.Conv2d(1, 1, 1)
    HOOKS.build(dict(type='TrainOnlyHook', prefix='refinner.')).before_train(SimpleNamespace(model=model))
