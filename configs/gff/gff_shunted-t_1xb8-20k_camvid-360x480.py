_base_ = [
    '../_base_/models/gff_r50-d8.py', '../_base_/datasets/camvid.py', '../_base_/schedules/adamw_20k.py',
    '../_base_/default_runtime.py', '../_base_/trunks/shunted-t.py'
]
model = dict(
    type='FittedEncoderDecoder',
    data_preprocessor=dict(size=_base_.crop_size),
    backbone=dict(_delete_=True, **_base_.trunk),
    decode_head=dict(in_channels=None, num_classes=11),
    auxiliary_head=dict(in_channels=None, num_classes=11))
train_dataloader = dict(batch_size=8)
