# The recipe all networks share.
_base_ = [
    '../_base_/models/gscnn_r50-d8.py', '../_base_/datasets/camvid_boundaries.py',
    '../_base_/schedules/camvid_scratch.py', '../_base_/default_runtime.py'
]
model = dict(
    data_preprocessor=dict(size=_base_.crop_size),
    decode_head=dict(num_classes=11),
    auxiliary_head=dict(num_classes=11))
train_dataloader = dict(batch_size=8)
