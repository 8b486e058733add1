_base_ = [
    '../_base_/models/setr_vit-l_pup.py', '../_base_/datasets/ade20k.py', '../_base_/schedules/schedule_160k.py',
    '../_base_/default_runtime.py'
]
model = dict(
    data_preprocessor=dict(size=_base_.crop_size),
    backbone=dict(img_size=_base_.crop_size),
    decode_head=dict(num_classes=150),
    auxiliary_head=[dict(head, num_classes=150) for head in _base_.model.auxiliary_head],
    test_cfg=dict(mode='slide', crop_size=_base_.crop_size, stride=(341, 341)))
optim_wrapper = dict(
    optimizer=dict(lr=0.001, weight_decay=0.), paramwise_cfg=dict(custom_keys=dict(head=dict(lr_mult=10.))))
train_dataloader = dict(batch_size=2)
