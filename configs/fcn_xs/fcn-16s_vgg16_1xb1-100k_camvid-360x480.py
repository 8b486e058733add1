# The authors' second stage, a hundredth of the rate. The first stage's fc6, fc7 and score layers carry
# over, the skip starts at zero.
_base_ = './fcn-32s_vgg16_1xb1-100k_camvid-360x480.py'
model = dict(
    backbone=dict(outputs=('image', 'pool4', 'tail'), init_cfg=None), decode_head=dict(in_channels=[3, 512, 4096]))
optim_wrapper = dict(optimizer=dict(lr=1.7e-7))
load_from = 'work_dirs/fcn-32s_vgg16_1xb1-100k_camvid-360x480/iter_100000.pth'
