_base_ = ['../_base_/models/ddrnet_23.py', '../_base_/camvid_scratch.py']
model = dict(
    data_preprocessor=dict(size=_base_.crop_size),
    decode_head=dict(num_classes=11))
