title = 'SFNet and its twin on an ImageNet trunk'
question = ('What does a network of this package reach on CamVid, trained to the end of a recipe that two processor '
            'cores afford, and how much of it is the learned alignment?')
base = 'configs/sfnet_efficientnet-lite0_1xb8-3k_camvid-360x480.py'
_levels = [24, 40, 112, 320]
_loss = [dict(type='CrossEntropyLoss', avg_non_ignore=True), dict(type='ClasswiseDiceLoss')]
_head = dict(_delete_=True, in_channels=_levels, channels=64, num_classes=11, loss_decode=_loss,
             norm_cfg=dict(type='SyncBN', requires_grad=True))
axes = dict(
    network={
        'bilinear': {'model.decode_head.align': dict(type='BilinearAlign')},
        'sfnet': None,  # as in the base
        'sfnet-long': 'configs/sfnet_efficientnet-lite0_1xb8-4k_camvid-360x480.py',
        'sfnet-lite': {'model.decode_head': dict(_head, type='SFNetLiteHead', in_channels=[24, 112, 320])},
        'alignseg': {'model.decode_head': dict(_head, type='AlignSegHead')},
        'gff': {'model.decode_head': dict(_head, type='GFFHead', merge_channels=64)},
    })
seeds = [0, 1, 2]
overrides = {'test_evaluator': [
    dict(type='FrequencyWeightedIoUMetric', iou_metrics=['mIoU']),
    dict(type='BoundaryIoUMetric'),
    dict(type='TrimapIoUMetric'),
    dict(type='BoundaryFScoreMetric'),
]}
measure = dict(size=(360, 480), repeats=0, columns=['mIoU', 'mBIoU', 'trimap_mIoU_3px', 'mBF_3px'])
images = 4
