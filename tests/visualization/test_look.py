import numpy as np
import pytest
import torch
from mmengine.config import ConfigDict
from mmseg.registry import MODELS

from segfusion.visualization import inspect
from tests.references.samples import batch


def model(**options):
    config = dict(
        type='EncoderDecoder',
        data_preprocessor=dict(type='SegDataPreProcessor', mean=[0.] * 3, std=[255.] * 3, bgr_to_rgb=True),
        backbone=dict(type='ResNetV1c', depth=18, base_channels=8, stem_channels=8, norm_cfg=dict(type='BN')),
        decode_head=dict(
            type='TopDownHead', in_channels=[8, 16, 32, 64], channels=8, num_classes=5, align_corners=False,
            align=dict(type='FlowAlign'), fusion=dict(type='DuplexGateFusion'), norm_cfg=dict(type='BN')),
        train_cfg=dict(),
        test_cfg=dict(mode='whole'))
    return MODELS.build(ConfigDict(config, **options)).eval()


def sample(**drop):
    data = batch(5, n=1, size=(64, 96))
    return dict(inputs=data['inputs'][0], data_samples=data['data_samples'][0])


def test_everything_of_one_sample():
    network, one = model(), sample()
    arrays, maps = inspect(network, one)
    assert set(arrays) == {'image', 'truth', 'prediction', 'entropy'}
    assert np.array_equal(arrays['image'], one['inputs'].permute(1, 2, 0).numpy()[..., ::-1])  # RGB
    assert np.array_equal(arrays['truth'], one['data_samples'].gt_sem_seg.data[0].numpy())
    logits = network.test_step(dict(inputs=[one['inputs']], data_samples=[one['data_samples']]))[0].seg_logits.data
    assert np.array_equal(arrays['prediction'], logits.argmax(0).numpy())
    steps = [name.split('.')[2] for name in maps if name.endswith('offset')]
    assert steps == ['2', '1', '0'] and len(maps) == 9  # an offset and two gates a step
    assert tuple(maps['decode_head.aligns.0.offset'].shape) == (1, 2, 16, 24)


def test_slide_inference_shows_the_whole_image():
    network, one = model(test_cfg=dict(mode='slide', crop_size=(32, 32), stride=(32, 32))), sample()
    arrays, maps = inspect(network, one)
    assert tuple(maps['decode_head.aligns.0.offset'].shape) == (1, 2, 16, 24) and network.test_cfg.mode == 'slide'
    assert arrays['prediction'].shape == (64, 96)


def test_without_truth():
    one = sample()
    del one['data_samples'].gt_sem_seg
    assert 'truth' not in inspect(model(), one)[0]


def test_before_and_after_a_refiner():
    @MODELS.register_module(name='SwapRefiner')
    class SwapRefiner(torch.nn.Module):

        def __init__(self, num_classes):
            super().__init__()

        def forward(self, logits, image):
            return logits.flip(1)

    try:
        network = model(type='RefinedEncoderDecoder', refiner=dict(type='SwapRefiner'))
        arrays, _ = inspect(network, sample())
        assert np.array_equal(arrays['before'], 4 - arrays['prediction'])
        assert not network.refiner._forward_hooks
    finally:
        MODELS.module_dict.pop('SwapRefiner')


@pytest.mark.parametrize('fusion, kinds', [('DuplexGateFusion', {'gate'}), ('AFFusion', {'gate'}),
                                           ('IterativeAFFusion', {'gate'}), ('GatedDualFlowFusion', {'gate', 'offset'}),
                                           ('GateUnitFusion', {'response'})])
def test_every_gate_is_shown(fusion, kinds):
    align = None if fusion == 'GatedDualFlowFusion' else dict(type='BilinearAlign')
    network = model(decode_head=dict(
        type='TopDownHead', in_channels=[8, 16, 32, 64], channels=8, num_classes=5, align_corners=False, align=align,
        fusion=dict(type=fusion), norm_cfg=dict(type='BN')))
    maps = inspect(network, sample())[1]
    assert {name.split('.')[-1] for name in maps} == kinds
    for name, value in maps.items():
        if name.endswith('gate'):
            assert value.min() >= 0 and value.max() <= 1
