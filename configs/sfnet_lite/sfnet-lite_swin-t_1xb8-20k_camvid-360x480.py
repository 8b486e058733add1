# The head takes no level at stride 8, so Swin need not norm it.
_base_ = [
    '../_base_/models/sfnet-lite_r18.py', '../_base_/datasets/camvid.py', '../_base_/schedules/adamw_20k.py',
    '../_base_/default_runtime.py', '../_base_/trunks/swin-t.py'
]
model = dict(
    type='FittedEncoderDecoder',
    data_preprocessor=dict(size=_base_.crop_size),
    backbone=dict(_delete_=True, **dict(_base_.trunk, out_indices=(0, 2, 3))),
    decode_head=dict(in_channels=None, in_index=[0, 1, 2], num_classes=11))
train_dataloader = dict(batch_size=8)
