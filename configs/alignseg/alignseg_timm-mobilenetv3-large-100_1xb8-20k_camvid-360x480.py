# Any backbone of timm (pip install 'segfusion[timm]'): its channels are found by a dry run, so its name is enough.
_base_ = './alignseg_r18-v1c_1xb8-20k_camvid-360x480.py'
model = dict(
    type='FittedEncoderDecoder',
    backbone=dict(
        _delete_=True,
        type='TIMMBackbone',
        model_name='mobilenetv3_large_100',
        features_only=True,
        out_indices=(1, 2, 3, 4),  # strides 4, 8, 16, 32
        pretrained=False,  # when built; init_cfg is read when a training starts
        init_cfg=dict(type='Pretrained', checkpoint='timm://mobilenetv3_large_100.ra_in1k')),
    decode_head=dict(in_channels=None))
