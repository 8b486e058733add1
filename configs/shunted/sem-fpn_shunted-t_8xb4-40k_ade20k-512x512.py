_base_ = [
    '../_base_/models/sem-fpn_shunted-t.py', '../_base_/datasets/ade20k_align-resize.py',
    '../_base_/schedules/schedule_40k.py', '../_base_/default_runtime.py'
]
model = dict(data_preprocessor=dict(size=_base_.crop_size))
optim_wrapper = dict(optimizer=dict(_delete_=True, type='AdamW', lr=2e-4, weight_decay=1e-4))
param_scheduler = [dict(type='PolyLR', eta_min=0., power=0.9, begin=0, end=_base_.max_iters, by_epoch=False)]
train_dataloader = dict(batch_size=4)
