_base_ = ['../_base_/models/ocrnet_hr18.py', '../_base_/camvid_scratch.py']
model = dict(
    data_preprocessor=dict(size=_base_.crop_size),
    decode_head=[dict(head, num_classes=11) for head in _base_.model.decode_head])
