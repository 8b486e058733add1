# Drawn streets, by Adam as in the paper; minutes on a processor.
_base_ = [
    '../_base_/models/enet.py', '../_base_/datasets/street_scenes.py', '../_base_/schedules/schedule_1k.py',
    '../_base_/default_runtime.py'
]
model = dict(data_preprocessor=dict(size=_base_.crop_size), decode_head=dict(num_classes=11))
train_dataloader = dict(batch_size=4)
optim_wrapper = dict(optimizer=dict(_delete_=True, type='Adam', lr=2e-3, weight_decay=2e-4))
