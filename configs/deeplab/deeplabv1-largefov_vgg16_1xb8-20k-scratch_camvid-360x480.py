# The recipe all networks share. LargeFOV is one branch of rate 12.
_base_ = [
    '../_base_/models/deeplabv2_vgg16.py', '../_base_/datasets/camvid.py', '../_base_/schedules/camvid_scratch.py',
    '../_base_/default_runtime.py'
]
crop_size = (360, 480)
model = dict(data_preprocessor=dict(size=crop_size), decode_head=dict(dilations=(12, )))
train_dataloader = dict(batch_size=8)
