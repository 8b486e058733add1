title = 'Does alignment pay on transformer trunks?'
question = ('SFNet learns how a coarse level lines up with a fine one. On a ResNet that repairs what strides displace; '
            'is there as much to repair behind Swin, MiT, PVT v2 and Shunted Transformer?')
base = '../../configs/sfnet/sfnet_mit-b0_1xb8-20k_camvid-360x480.py'
_swin = 'https://download.openmmlab.com/mmclassification/v0/swin-transformer/convert/'
axes = dict(
    trunk={
        'mit-b0': None,  # as in the base
        'swin-t': {'model.backbone': dict(
            _delete_=True,
            type='mmpretrain.SwinTransformer',
            arch='tiny',
            out_indices=(0, 1, 2, 3),
            drop_path_rate=0.3,
            pad_small_map=True,
            init_cfg=dict(
                type='Pretrained',
                checkpoint=_swin + 'swin_tiny_patch4_window7_224-160bb0a5.pth',
                prefix='backbone.'))},
        'pvtv2-b0': {'model.backbone': dict(
            _delete_=True,
            type='PyramidVisionTransformerV2',
            arch='b0',
            init_cfg=dict(
                type='Pretrained', checkpoint='https://github.com/whai362/PVT/releases/download/v2/pvt_v2_b0.pth'))},
        'shunted-t': {'model.backbone': dict(
            _delete_=True,
            type='ShuntedTransformer',
            arch='t',
            norm_cfg=dict(type='SyncBN', requires_grad=True),
            init_cfg=dict(type='Pretrained', checkpoint='checkpoints/shunted_t.pth'))},
    },
    align=dict(
        flow=None,
        bilinear={'model.decode_head.align': dict(type='BilinearAlign')},
        dual={'model.decode_head.align': dict(type='DualOffsetAlign')},
        deformable={'model.decode_head.align': dict(type='DeformableAlign')}))
baseline = dict(trunk='mit-b0', align='bilinear')
overrides = {'test_evaluator': [
    dict(type='FrequencyWeightedIoUMetric', iou_metrics=['mIoU']),
    dict(type='BoundaryIoUMetric'),
    dict(type='TrimapIoUMetric'),
    dict(type='BoundaryFScoreMetric'),
]}
seeds = [0, 1, 2]
measure = dict(size=(360, 480), repeats=21)
images = 4
