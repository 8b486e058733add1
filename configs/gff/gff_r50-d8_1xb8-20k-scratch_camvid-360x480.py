_base_ = ['../_base_/models/gff_r50-d8.py', '../_base_/camvid_scratch.py']
model = dict(
    data_preprocessor=dict(size=_base_.crop_size),
    backbone=dict(init_cfg=None),
    decode_head=dict(num_classes=11),
    auxiliary_head=dict(num_classes=11))
