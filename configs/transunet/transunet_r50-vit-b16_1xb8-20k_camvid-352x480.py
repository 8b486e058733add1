# The released optimiser (SGD 0.01, momentum 0.9, weight decay 1e-4, poly 0.9 an iteration) from Google's ImageNet-21k
# weights. Crops, batch and iterations are ours: the authors train on 224x224 slices of organs, batch 24, 150 epochs,
# turned by multiples of 90 degrees or up to 20 degrees, which streets are not.
_base_ = [
    '../_base_/models/transunet_r50-vit-b16.py', '../_base_/datasets/camvid_352x480.py',
    '../_base_/schedules/schedule_20k.py', '../_base_/default_runtime.py'
]
model = dict(
    data_preprocessor=dict(size=_base_.crop_size),
    backbone=dict(
        img_size=_base_.crop_size,
        init_cfg=dict(type='Pretrained', checkpoint=f'{_base_.converted_root}/r50-vit-b16_google_352x480.pth')),
    decode_head=dict(num_classes=11))
train_dataloader = dict(batch_size=8)
optim_wrapper = dict(optimizer=dict(weight_decay=1e-4))
param_scheduler = [dict(type='PolyLR', eta_min=0, power=0.9, begin=0, end=20000, by_epoch=False)]
