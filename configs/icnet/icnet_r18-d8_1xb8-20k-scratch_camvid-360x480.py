_base_ = ['../_base_/models/icnet_r18-d8.py', '../_base_/camvid_scratch.py']
model = dict(
    data_preprocessor=dict(size=_base_.crop_size),
    decode_head=dict(num_classes=11),
    auxiliary_head=[dict(head, num_classes=11) for head in _base_.model.auxiliary_head])
