_base_ = './sfnet_r18-v1c_8xb2-300e_cityscapes-1024x1024.py'
model = dict(
    backbone=dict(depth=50, init_cfg=dict(checkpoint='open-mmlab://resnet50_v1c')),
    decode_head=dict(in_channels=[256, 512, 1024, 2048], channels=256),
    auxiliary_head=dict(in_channels=256, channels=256),
    # The accurate models are tested on sliding windows of 832 with one third overlap.
    test_cfg=dict(mode='slide', crop_size=(832, 832), stride=(555, 555)))
