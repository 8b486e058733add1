# The authors' recipe: poly decay from 2.5e-4, ten times that for the new layers (twenty for their biases), batch 10,
# norms frozen. Theirs starts from COCO, this one from ImageNet (Caffe's strides, so open-mmlab's weights).
_base_ = './deeplabv2-aspp-l_r101-d8_1xb8-20k-scratch_camvid-360x480.py'
model = dict(
    data_preprocessor=dict(mean=[103.53, 116.28, 123.675], std=[1., 1., 1.], bgr_to_rgb=False),
    backbone=dict(
        norm_eval=True,
        norm_cfg=dict(type='BN', requires_grad=False),
        init_cfg=dict(type='Pretrained', checkpoint='open-mmlab://detectron2/resnet101_caffe')))
optim_wrapper = dict(
    _delete_=True,
    type='OptimWrapper',
    optimizer=dict(type='SGD', lr=2.5e-4, momentum=0.9, weight_decay=5e-4),
    paramwise_cfg=dict(
        custom_keys={
            'decode_head.branches': dict(lr_mult=10.),
            'decode_head.branches.0.bias': dict(lr_mult=20.),
            'decode_head.branches.1.bias': dict(lr_mult=20.),
            'decode_head.branches.2.bias': dict(lr_mult=20.),
            'decode_head.branches.3.bias': dict(lr_mult=20.)
        }))
param_scheduler = [dict(type='PolyLR', power=0.9, eta_min=0, begin=0, end=20000, by_epoch=False)]
train_cfg = dict(max_iters=20000, val_interval=1000)
train_dataloader = dict(batch_size=10)
