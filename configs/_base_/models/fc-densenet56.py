# FC-DenseNet56. Norms use the statistics of the current batch, in testing too, as the authors do; images in [0, 1].
_base_ = './encoder_decoder.py'
num_classes = 11
model = dict(
    data_preprocessor=dict(mean=[0., 0., 0.], std=[255., 255., 255.]),
    backbone=dict(type='FCDenseNet', depth=56, norm_cfg=dict(type='BN', track_running_stats=False)),
    decode_head=dict(
        type='FCNHead',
        in_channels=192,
        in_index=0,
        channels=192,
        num_convs=0,
        concat_input=False,
        dropout_ratio=0,
        num_classes=num_classes,
        align_corners=False,
        init_cfg=dict(type='Kaiming', mode='fan_in', distribution='uniform', override=dict(name='conv_seg')),
        loss_decode=dict(type='CrossEntropyLoss', avg_non_ignore=True, loss_weight=1.0)))
