_base_ = [
    '../_base_/models/setr_vit-l_pup.py', '../_base_/datasets/cityscapes_768x768.py',
    '../_base_/schedules/schedule_80k.py', '../_base_/default_runtime.py'
]
model = dict(
    data_preprocessor=dict(size=_base_.crop_size),
    test_cfg=dict(mode='slide', crop_size=_base_.crop_size, stride=(512, 512)))
optim_wrapper = dict(
    optimizer=dict(lr=0.01, weight_decay=0.), paramwise_cfg=dict(custom_keys=dict(head=dict(lr_mult=10.))))
train_dataloader = dict(batch_size=1)
