_base_ = './study.py'  # the same members, and three more: what is trained already is taken from there
name = 'alignment_evidence'
title = 'Alignment and gates on CamVid'
_best = 'DualOffsetAlign'  # of study.py, so far
_gate = {'model.decode_head.fusion.type': 'DuplexGateFusion'}
axes = dict(
    align={
        'bilinear+gate': _gate,
        'best+gate': {'model.decode_head.align.type': _best, **_gate},
        'sfnet-lite': {
            'model.decode_head': dict(
                _delete_=True,
                type='SFNetLiteHead',
                in_channels=[32, 128, 256],
                channels=64,
                num_classes=11,
                norm_cfg=dict(type='SyncBN', requires_grad=True),
                loss_decode=dict(type='CrossEntropyLoss'))
        }
    })
