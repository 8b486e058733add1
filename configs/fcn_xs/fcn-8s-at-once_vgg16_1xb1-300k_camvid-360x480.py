# All three strides at once: the pooled maps are scaled down before they are scored, so that one rate fits all.
_base_ = './fcn-32s_vgg16_1xb1-100k_camvid-360x480.py'
model = dict(
    backbone=dict(outputs=('image', 'pool3', 'pool4', 'tail')),
    decode_head=dict(in_channels=[3, 256, 512, 4096], skip_scales=(1e-4, 1e-2)))
train_cfg = dict(max_iters=300000)
