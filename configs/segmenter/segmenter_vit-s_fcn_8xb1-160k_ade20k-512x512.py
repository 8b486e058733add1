# The linear decoder.
_base_ = './segmenter_vit-s_mask_8xb1-160k_ade20k-512x512.py'
model = dict(
    decode_head=dict(
        _delete_=True,
        type='FCNHead',
        in_channels=384,
        channels=384,
        in_index=0,
        num_convs=0,
        concat_input=False,
        dropout_ratio=0.,
        num_classes=150,
        loss_decode=dict(type='CrossEntropyLoss', avg_non_ignore=True)))
