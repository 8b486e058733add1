# The authors' third stage, again a hundredth of the rate, from the second stage.
_base_ = './fcn-32s_vgg16_1xb1-100k_camvid-360x480.py'
model = dict(
    backbone=dict(outputs=('image', 'pool3', 'pool4', 'tail'), init_cfg=None),
    decode_head=dict(in_channels=[3, 256, 512, 4096]))
optim_wrapper = dict(optimizer=dict(lr=1.7e-9))
load_from = 'work_dirs/fcn-16s_vgg16_1xb1-100k_camvid-360x480/iter_100000.pth'
