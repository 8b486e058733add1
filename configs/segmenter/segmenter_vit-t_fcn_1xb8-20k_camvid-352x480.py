_base_ = './segmenter_vit-t_mask_1xb8-20k_camvid-352x480.py'
model = dict(
    decode_head=dict(
        _delete_=True,
        type='FCNHead',
        in_channels=192,
        channels=192,
        in_index=0,
        num_convs=0,
        concat_input=False,
        dropout_ratio=0.,
        num_classes=11,
        loss_decode=dict(type='CrossEntropyLoss', avg_non_ignore=True)))
