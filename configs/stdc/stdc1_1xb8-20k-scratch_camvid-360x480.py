_base_ = ['../_base_/models/stdc1.py', '../_base_/camvid_scratch.py']
model = dict(
    data_preprocessor=dict(size=_base_.crop_size),
    decode_head=dict(num_classes=11),
    auxiliary_head=[
        *(dict(head, num_classes=11) for head in _base_.model.auxiliary_head[:-1]),
        _base_.model.auxiliary_head[-1]  # edges, of no class
    ])
