# The authors' second stage for sets of a few hundred images: front end and context together at 1e-5. It starts
# from the front end's checkpoint; the context module starts as the identity.
_base_ = './dilation-front-end_vgg16_1xb8-20k_camvid-360x480.py'
model = dict(
    backbone=dict(init_cfg=None),
    decode_head=dict(
        context=dict(_delete_=True, type='DilatedContext', dilations=(1, 1, 2, 4, 8, 16, 1))))
optim_wrapper = dict(optimizer=dict(lr=1e-5, momentum=0.99))
load_from = 'work_dirs/dilation-front-end_vgg16_1xb8-20k_camvid-360x480/iter_20000.pth'
