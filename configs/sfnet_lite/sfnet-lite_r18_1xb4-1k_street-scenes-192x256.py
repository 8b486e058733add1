_base_ = [
    '../_base_/models/sfnet-lite_r18.py', '../_base_/datasets/street_scenes.py', '../_base_/schedules/schedule_1k.py',
    '../_base_/default_runtime.py'
]
model = dict(data_preprocessor=dict(size=_base_.crop_size), decode_head=dict(num_classes=11))
train_dataloader = dict(batch_size=4)
