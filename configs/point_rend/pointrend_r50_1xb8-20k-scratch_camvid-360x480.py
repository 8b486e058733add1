# The recipe all networks share.
_base_ = [
    '../_base_/models/pointrend_r50.py', '../_base_/datasets/camvid.py', '../_base_/schedules/camvid_scratch.py',
    '../_base_/default_runtime.py'
]
crop_size = (360, 480)
model = dict(data_preprocessor=dict(size=crop_size))
train_dataloader = dict(batch_size=8)
