"""Parts are interchangeable, by config alone: any head on any backbone, any alignment with any fusion."""
import pytest
import torch
from mmengine.config import ConfigDict
from mmseg.registry import MODELS

from tests.references.samples import batch

BN = dict(type='BN')
# name: (config, channels of the levels), each at strides 4, 8, 16, 32
BACKBONES = {
    'mmseg-ResNet': (dict(type='ResNetV1c', depth=18, base_channels=8, stem_channels=8, norm_cfg=BN), [8, 16, 32, 64]),
    'mmseg-MiT': (dict(
        type='MixVisionTransformer', embed_dims=8, num_stages=4, num_layers=[1, 1, 1, 1], num_heads=[1, 2, 5, 8],
        patch_sizes=[7, 3, 3, 3], sr_ratios=[8, 4, 2, 1], out_indices=(0, 1, 2, 3), mlp_ratio=2), [8, 16, 40, 64]),
    'mmseg-Swin': (dict(
        type='SwinTransformer', embed_dims=12, depths=(1, 1, 1, 1), num_heads=(1, 2, 3, 4), window_size=4),
                   [12, 24, 48, 96]),
    'mmpretrain-ConvNeXt': (dict(
        type='mmpretrain.ConvNeXt', arch=dict(depths=[1, 1, 1, 1], channels=[8, 16, 24, 32]),
        out_indices=[0, 1, 2, 3], drop_path_rate=0., gap_before_final_norm=False), [8, 16, 24, 32]),
}
# name: (head config, which levels)
HEADS = {
    'TopDownHead': (dict(type='TopDownHead'), (0, 1, 2, 3)),
    'SFNetHead': (dict(type='SFNetHead'), (0, 1, 2, 3)),
    'SFNetLiteHead': (dict(type='SFNetLiteHead'), (0, 2, 3)),
    'AlignSegHead': (dict(type='AlignSegHead'), (0, 1, 2, 3)),
    'GFFHead': (dict(type='GFFHead', merge_channels=8), (0, 1, 2, 3)),
}
PAIRWISE = [name for name in HEADS if name != 'GFFHead']  # GFF fuses all levels at once


def segmentor(backbone, head, **options):
    backbone, channels = BACKBONES[backbone]
    head, levels = HEADS[head]
    head = dict(head, in_channels=[channels[i] for i in levels], in_index=list(levels), channels=8, num_classes=5,
                norm_cfg=BN, **options)
    return MODELS.build(
        ConfigDict(
            type='EncoderDecoder',
            data_preprocessor=dict(type='SegDataPreProcessor', mean=[0.] * 3, std=[255.] * 3, size=(64, 96)),
            backbone=backbone,
            decode_head=head,
            train_cfg=dict(),
            test_cfg=dict(mode='whole')))


def trains_and_predicts(model):
    data = batch(5, size=(64, 96))
    loss, _ = model.parse_losses(model.train()(**model.data_preprocessor(data, True), mode='loss'))
    loss.backward()
    head = {name for name, p in model.decode_head.named_parameters() if p.grad is None}
    assert torch.isfinite(loss) and not head, head
    with torch.no_grad():
        one = dict(inputs=data['inputs'][:1], data_samples=data['data_samples'][:1])
        logits = model.eval().test_step(one)[0].seg_logits.data
    assert logits.shape == (5, 64, 96) and torch.isfinite(logits).all()


@pytest.mark.parametrize('backbone', BACKBONES)
@pytest.mark.parametrize('head', HEADS)
def test_any_head_on_any_backbone(head, backbone):
    trains_and_predicts(segmentor(backbone, head))


ALIGNERS = ['BilinearAlign', 'FlowAlign', 'DualOffsetAlign', 'DeformableAlign', 'RecordedAlign']
FUSIONS = ['SumFusion', 'DuplexGateFusion', 'AFFusion', 'IterativeAFFusion', 'GateUnitFusion', 'ShapeGateFusion']


@pytest.mark.parametrize('align', ALIGNERS)
@pytest.mark.parametrize('fusion', FUSIONS)
def test_any_alignment_with_any_fusion(align, fusion):
    trains_and_predicts(segmentor('mmseg-ResNet', 'TopDownHead', align=dict(type=align), fusion=dict(type=fusion)))


@pytest.mark.parametrize('align', ALIGNERS)
@pytest.mark.parametrize('head', HEADS)
def test_any_alignment_in_any_head(head, align):
    trains_and_predicts(segmentor('mmseg-ResNet', head, align=dict(type=align), **pairwise_fusion(head)))


def pairwise_fusion(head):
    """SFNet-Lite's own fusion aligns itself; beside an aligner it needs another."""
    return dict(fusion=dict(type='SumFusion')) if head == 'SFNetLiteHead' else {}


def test_gff_refuses_what_fuses_two_levels_only():
    with pytest.raises(ValueError, match='all levels at once'):
        segmentor('mmseg-ResNet', 'GFFHead', fusion=dict(type='SumFusion'))


@pytest.mark.parametrize('head', PAIRWISE)
def test_a_fusion_that_aligns_itself_takes_no_aligner(head):
    fusion = dict(type='GatedDualFlowFusion')
    trains_and_predicts(segmentor('mmseg-ResNet', head, align=None, fusion=fusion))
    with pytest.raises(ValueError, match='expected align=None'):
        segmentor('mmseg-ResNet', head, align=dict(type='FlowAlign'), fusion=fusion)


@pytest.mark.parametrize(
    'context', [
        'PyramidPoolingContext', 'SummedPyramidPoolingContext', 'AlignedContext', 'ASPPContext',
        'ChainedPoolingContext', 'LargeKernelContext', 'DilatedContext'
    ])
@pytest.mark.parametrize('head', HEADS)
def test_any_context(head, context):
    trains_and_predicts(segmentor('mmseg-ResNet', head, context=dict(type=context)))
