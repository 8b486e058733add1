"""Dense CRF as a layer, a function and a command."""
import numpy as np
import torch
from mmseg.registry import MODELS
from PIL import Image

from segfusion.deploy.folder import refine_folder
from segfusion.deploy.post_process import dense_crf
from segfusion.ops.crf.dense_crf import crf

from . import case

IMAGE, LOGITS = torch.zeros(1, 3, 8, 9), torch.zeros(1, 4, 8, 9)
ONE = dict(spatial_weight=1., bilateral_weight=1.)


@case('CRF', 'logits at a quarter of the image')
def _(folder):
    crf(LOGITS[..., ::4, ::4], IMAGE, **ONE)


@case('CRF', 'label map instead of logits')
def _(folder):
    crf(LOGITS.long(), IMAGE, **ONE)


@case('CRF', 'image and logits on different devices')
def _(folder):
    crf(LOGITS, IMAGE.to('meta'), **ONE)


@case('CRF', 'NaN in the image')
def _(folder):
    crf(LOGITS, IMAGE * float('nan'), **ONE)


@case('CRF', 'bandwidth of 0')
def _(folder):
    crf(LOGITS, IMAGE, bilateral_sigma_xy=0., **ONE)


@case('CRF', 'negative number of iterations')
def _(folder):
    crf(LOGITS, IMAGE, iterations=-1, **ONE)


@case('CRF', 'exact filters on a photograph')
def _(folder):
    crf(torch.zeros(1, 4, 300, 400), torch.zeros(1, 3, 300, 400), method='exact', **ONE)


@case('CRF', 'unknown method')
def _(folder):
    crf(LOGITS, IMAGE, method='fast', **ONE)


@case('CRF', 'refiner told another number of classes')
def _(folder):
    MODELS.build(dict(type='CRFAsRNN', num_classes=21))(LOGITS, IMAGE)


@case('CRF', 'unknown normalisation of the layer')
def _(folder):
    MODELS.build(dict(type='CRFAsRNN', num_classes=4, normalization='softmax'))


@case('CRF', 'channel order nobody uses')
def _(folder):
    MODELS.build(dict(type='RefinedEncoderDecoder', image_order='rgb', refiner=dict(type='CRFAsRNN'), backbone=None,
                      decode_head=None))


@case('CRF', 'logits passed as probabilities')
def _(folder):
    dense_crf(np.zeros((8, 9, 3), np.uint8), np.full((4, 8, 9), 3., np.float32))


@case('CRF', 'image transposed')
def _(folder):
    dense_crf(np.zeros((9, 8, 3), np.uint8), np.full((4, 8, 9), .25, np.float32))


def folders(folder):
    for name in ('images', 'predictions'):
        (folder / name).mkdir()
    Image.fromarray(np.zeros((8, 9, 3), np.uint8)).save(folder / 'images' / 'a.png')
    return str(folder / 'images'), str(folder / 'predictions')


@case('CRF', 'command: empty folder of predictions')
def _(folder):
    refine_folder(*folders(folder), str(folder / 'out'))


@case('CRF', 'command: prediction without an image')
def _(folder):
    images, predictions = folders(folder)
    np.save(f'{predictions}/b.npy', np.zeros((4, 8, 9), np.float32))
    refine_folder(images, predictions, str(folder / 'out'))


@case('CRF', 'command: label maps, number of classes unsaid')
def _(folder):
    images, predictions = folders(folder)
    Image.fromarray(np.zeros((8, 9), np.uint8)).save(f'{predictions}/a.png')
    refine_folder(images, predictions, str(folder / 'out'))


@case('CRF', 'command: output into the folder of predictions')
def _(folder):
    images, predictions = folders(folder)
    np.save(f'{predictions}/a.npy', np.zeros((4, 8, 9), np.float32))
    refine_folder(images, predictions, predictions)


@case('CRF', 'command: prediction of another size')
def _(folder):
    images, predictions = folders(folder)
    np.save(f'{predictions}/a.npy', np.zeros((4, 4, 4), np.float32))
    refine_folder(images, predictions, str(folder / 'out'))
