"""Configs: names, slots, channels, classes."""
from pathlib import Path

import torch
from mmengine.config import Config
from mmengine.model import revert_sync_batchnorm
from mmseg.registry import DATASETS, MODELS, RUNNERS

from segfusion.datasets.audit import HeadClasses, audit_dataset
from segfusion.diagnosis.preflight import refuse_misspelt_names
from segfusion.diagnosis.provenance import explain
from segfusion.engine import checked_runner
from tests.references.samples import batch

from . import case

SFNET = 'configs/sfnet/sfnet_r18_1xb4-1k_street-scenes-192x256.py'
BN = dict(type='BN')
SIZE = (64, 64)
RESNET = dict(type='ResNet', depth=18, norm_cfg=BN)


def model(**head):
    """A small top-down network with this decode head."""
    head = dict(dict(type='TopDownHead', in_channels=[64, 128, 256, 512], channels=8, num_classes=3, norm_cfg=BN,
                     align_corners=False), **head)
    segmentor = head.pop('segmentor', dict(type='EncoderDecoder'))
    preprocessor = dict(type='SegDataPreProcessor', size=SIZE)
    return MODELS.build(dict(segmentor, backbone=RESNET, data_preprocessor=preprocessor, decode_head=head,
                             train_cfg=dict(), test_cfg=dict(mode='whole')))


def child(folder, text):
    path = folder / 'my_config.py'
    path.write_text(f"_base_ = '{Path(SFNET).resolve()}'\n{text}\n")
    return str(path)


@case('Names', 'type of a head misspelt, `mim train segfusion`')
def _(folder):
    refuse_misspelt_names([child(folder, "model = dict(decode_head=dict(type='SFNetHaed'))")])


@case('Names', 'slot misspelt, `mim train segfusion`')
def _(folder):
    refuse_misspelt_names([child(folder, "model = dict(decode_head=dict(allign=dict(type='FlowAlign')))")])


@case('Names', 'data set misspelt on the command line')
def _(folder):
    refuse_misspelt_names([SFNET, '--cfg-options', 'train_dataloader.dataset.type=StreetScene'])


@case('Names', 'own module, but not in `custom_imports`')
def _(folder):
    refuse_misspelt_names([child(folder, "model = dict(decode_head=dict(fusion=dict(type='MyBrilliantIdea')))")])


@case('Names', 'loss of a package that is not installed')
def _(folder):
    refuse_misspelt_names([SFNET, '--cfg-options', 'model.decode_head.loss_decode.type=mmnowhere.DiceLoss'])


def build_runner(**changes):
    """As ``mim train mmseg`` does."""
    config = Config.fromfile(SFNET)
    config.work_dir = '/nowhere'
    config.merge_from_dict({key.replace('__', '.'): value for key, value in changes.items()})
    RUNNERS.build(config)


@case('Names', 'type of the network misspelt, `mim train mmseg`')
def _(folder):
    build_runner(model__type='EncoderDecodre')


@case('Names', 'argument of the checkpoint hook misspelt')
def _(folder):
    build_runner(default_hooks__checkpoint__save_bset='mIoU')


@case('Names', '`modle=` instead of `model=`')
def _(folder):
    build_runner(modle=dict(type='EncoderDecoder'))


@case('Names', 'argument of a metric misspelt')
def _(folder):
    build_runner(val_evaluator__iou_metric=['mDice'])


@case('Names', '`model.test_cfg.strid`')
def _(folder):
    build_runner(model__test_cfg__strid=(8, 8))


@case('Names', 'argument of the optimiser misspelt')
def _(folder):
    build_runner(optim_wrapper__optimizer__momentun=0.9)


@case('Names', 'learning rate on top of the config')
def _(folder):
    build_runner(lr=0.1)


@case('Names', 'dumped config of before the package was renamed')
def _(folder):
    path = folder / 'old.py'
    path.write_text("custom_imports = dict(imports=['custom_modules'])\n")
    refuse_misspelt_names([str(path)])


@case('Combinations', '`--amp` without a GPU')
def _(folder):
    get_device = checked_runner.get_device
    checked_runner.get_device = lambda: 'cpu'
    try:
        build_runner(optim_wrapper__type='AmpOptimWrapper')
    finally:
        checked_runner.get_device = get_device


@case('Combinations', 'one image a GPU, batch norm as mmengine makes it of SyncBN')
def _(folder):
    net = revert_sync_batchnorm(model(norm_cfg=dict(type='SyncBN')))
    net.loss(**net.data_preprocessor(batch(3, n=1, size=SIZE), True))


@case('Names', 'type of a part misspelt')
def _(folder):
    model(align=dict(type='FlowAlgin'))


@case('Names', 'part in the slot of another question')
def _(folder):
    model(fusion=dict(type='FlowAlign'))


@case('Names', 'argument of a part misspelt')
def _(folder):
    model(align=dict(type='FlowAlign', mid_chanels=4))


@case('Names', 'slot filled with a name instead of a dict')
def _(folder):
    model(context='ASPPContext')


@case('Names', 'refiner misspelt')
def _(folder):
    model(segmentor=dict(type='RefinedEncoderDecoder', refiner=dict(type='CRFasRNN')))


@case('Channels', 'another backbone, `in_channels` not adapted')
def _(folder):
    net = model(in_channels=[256, 512, 1024, 2048])
    revert_sync_batchnorm(net).eval()(torch.zeros(1, 3, 64, 64))


@case('Channels', 'the same with `FittedEncoderDecoder`, when it is built')
def _(folder):
    model(in_channels=[256, 512, 1024, 2048], segmentor=dict(type='FittedEncoderDecoder'))


@case('Channels', '`in_index` names a level the backbone does not give')
def _(folder):
    model(in_channels=None, in_index=[0, 1, 2, 4], segmentor=dict(type='FittedEncoderDecoder'))


@case('Channels', 'a stock head with the wrong `in_channels`')
def _(folder):
    model(type='FCNHead', in_channels=2048, in_index=3, segmentor=dict(type='FittedEncoderDecoder'))


@case('Channels', 'levels handed over coarse to fine')
def _(folder):
    levels = [torch.zeros(1, c, s, s) for c, s in ((64, 4), (128, 8), (256, 16), (512, 32))]
    model().decode_head.eval()(levels)


@case('Channels', 'deep supervision of a width the head does not have')
def _(folder):
    net = model()
    net.auxiliary_head = MODELS.build(dict(type='SideOutputHead', in_channels=64, channels=4, num_classes=3,
                                           norm_cfg=BN, align_corners=False))
    net.loss(**net.data_preprocessor(batch(3, size=SIZE), True))


@case('Channels', 'deep supervision behind a head that offers none')
def _(folder):
    net = model(type='FCNHead', in_channels=512, in_index=3)
    net.auxiliary_head = MODELS.build(dict(type='SideOutputHead', in_channels=8, channels=4, num_classes=3,
                                           norm_cfg=BN, align_corners=False))
    net.loss(**net.data_preprocessor(batch(3, size=SIZE), True))


@case('Channels', 'deep supervision of a level that is not there')
def _(folder):
    net = model()
    net.auxiliary_head = MODELS.build(dict(type='SideOutputHead', in_index=3, in_channels=8, channels=4, num_classes=3,
                                           norm_cfg=BN, align_corners=False))
    net.loss(**net.data_preprocessor(batch(3, size=SIZE), True))


@case('Channels', 'one width too few for several side outputs')
def _(folder):
    MODELS.build(dict(type='SideOutputHeads', in_index=[0, 1, 2], in_channels=[8, 8], channels=4, num_classes=3))


@case('Combinations', 'aligner in front of a fusion that aligns itself')
def _(folder):
    model(fusion=dict(type='GatedDualFlowFusion'))


@case('Combinations', 'no aligner in front of a plain sum')
def _(folder):
    model(align=None)


@case('Combinations', 'a fusion of two levels in GFF')
def _(folder):
    model(type='GFFHead', fusion=dict(type='SumFusion'))


@case('Combinations', 'GFF\'s gates in a head that fuses two levels')
def _(folder):
    model(fusion=dict(type='GatedFullFusion'))


@case('Combinations', 'unknown form of GFF')
def _(folder):
    model(type='GFFHead', form='official')


@case('Combinations', 'refiner behind a cascade of heads')
def _(folder):
    head = dict(type='FCNHead', in_channels=512, channels=4, num_classes=3, norm_cfg=BN, align_corners=False)
    MODELS.build(dict(type='RefinedEncoderDecoder', backbone=RESNET, decode_head=[head, head],
                      refiner=dict(type='CRFAsRNN')))


@case('Combinations', 'Monte Carlo sampling of a network without dropout')
def _(folder):
    model(dropout_ratio=0, context=dict(type='PyramidPoolingContext'),
          segmentor=dict(type='MonteCarloEncoderDecoder', samples=8))


@case('Combinations', 'one image a GPU and batch norm behind pyramid pooling')
def _(folder):
    net = model()
    net.loss(**net.data_preprocessor(batch(3, n=1, size=SIZE), True))


@case('Combinations', 'FC-DenseNet of a depth that does not exist')
def _(folder):
    MODELS.build(dict(type='FCDenseNet', depth=121))


@case('Combinations', 'crop smaller than FC-DenseNet halves')
def _(folder):
    MODELS.build(dict(type='FCDenseNet', depth=56))(torch.zeros(1, 3, 16, 16))


@case('Combinations', 'VGG asked for a map it does not have')
def _(folder):
    MODELS.build(dict(type='VGGEncoder', outputs=('pool6', )))


@case('Combinations', 'a dilation too few for the deep-stem ResNet')
def _(folder):
    MODELS.build(dict(type='DeepStemResNet', depth=18, conv2_dilations=(1, 2, 4), norm_cfg=BN))


@case('Classes', '`num_classes` changed in the decode head only')
def _(folder):
    data = DATASETS.build(dict(type='StreetScenes', num_images=1, size=(32, 48), data_root=str(folder),
                               pipeline=[dict(type='LoadAnnotations')]))
    audit_dataset(data, [HeadClasses('decode_head', 11), HeadClasses('auxiliary_head', 2)])[0].raise_if_wrong()


@case('Classes', 'class weights of another data set')
def _(folder):
    data = DATASETS.build(dict(type='StreetScenes', num_images=1, size=(32, 48), data_root=str(folder),
                               pipeline=[dict(type='LoadAnnotations')]))
    audit_dataset(data, [HeadClasses('decode_head', 11, class_weights=19)])[0].raise_if_wrong()


@case('Commands', 'explaining a key that no file sets')
def _(folder):
    explain(SFNET, 'modle')


@case('Commands', 'explaining a config with `read_base()`')
def _(folder):
    (folder / 'new.py').write_text('from mmengine.config import read_base\nwith read_base():\n    pass\n')
    explain(str(folder / 'new.py'))
