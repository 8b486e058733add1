title = 'Alignment and gates on CamVid'
question = 'Why are the levels of a pyramid misaligned, and what repairs it?'
base = 'configs/topdown_half-r18_1xb8-60e_camvid-144x192.py'
_gate = {'model.decode_head.fusion.type': 'DuplexGateFusion'}
_dual = {'model.decode_head.align.type': 'DualOffsetAlign'}
axes = dict(
    align={
        'bilinear': None,  # as in the base
        'flow': {'model.decode_head.align.type': 'FlowAlign'},
        'dual': _dual,
        'recorded': {'model.decode_head.align.type': 'RecordedAlign'},
        'bilinear+gate': _gate,
        'dual+gate': {**_dual, **_gate},
        'sfnet-lite': {
            'model.decode_head': dict(
                _delete_=True,
                type='SFNetLiteHead',
                in_channels=[32, 128, 256],
                channels=64,
                num_classes=11,
                norm_cfg=dict(type='SyncBN', requires_grad=True),
                loss_decode=dict(type='CrossEntropyLoss'))
        },
    })
seeds = [0, 1, 2]
measure = dict(size=(180, 240), repeats=21, threads=1, columns=['mIoU', 'mBIoU', 'trimap_mIoU_3px', 'mBF_3px'])
images = 4
