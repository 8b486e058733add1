title = 'CamVid from scratch'
question = 'One recipe, no ImageNet weights: what do a bilinear pyramid, alignment, gates and the classics reach?'
_scratch = '1xb8-20k-scratch_camvid-360x480.py'
base = f'../../configs/sfnet/sfnet_r18_bilinear_{_scratch}'
axes = dict(
    network={
        'bilinear': None,  # SFNet-R18, levels lined up by resizing
        'sfnet': f'../../configs/sfnet/sfnet_r18_{_scratch}',
        'sfnet-lite': f'../../configs/sfnet_lite/sfnet-lite_r18_{_scratch}',
        'enet': f'../../configs/enet/enet_{_scratch}',
        'segnet-basic': f'../../configs/segnet/segnet-basic_{_scratch}',
        'alignseg': f'../../configs/alignseg/alignseg_r50_{_scratch}',
        'gff': f'../../configs/gff/gff_r50-d8_{_scratch}',
        'fc-densenet56': f'../../configs/fc_densenet/fc-densenet56_{_scratch}',
    })
overrides = {
    'optim_wrapper.type': 'Bfloat16OptimWrapper',
    'channels_last': True,
    'test_evaluator': [dict(type='IoUMetric', iou_metrics=['mIoU']), dict(type='BoundaryIoUMetric')],
}
seeds = [0, 1, 2]
measure = dict(size=(360, 480), repeats=0, columns=['mIoU', 'mBIoU', 'aAcc'])
images = 4
