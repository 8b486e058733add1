# ENet's class weights.
_base_ = ['../_base_/models/enet.py', '../_base_/datasets/camvid_class_weights.py', '../_base_/camvid_scratch.py']
model = dict(
    data_preprocessor=dict(size=_base_.crop_size),
    decode_head=dict(
        loss_decode=dict(
            _delete_=True, type='WeightedCrossEntropyLoss', class_weight={{_base_.enet_class_weight}})))
