# SegNet's class weights on all six predictions, as in the paper.
_base_ = [
    '../_base_/models/gfrnet_vgg16.py', '../_base_/datasets/camvid_class_weights.py', '../_base_/camvid_scratch.py'
]
model = dict(
    data_preprocessor=dict(size=_base_.crop_size),
    decode_head=dict(
        loss_decode=dict(
            _delete_=True, type='WeightedCrossEntropyLoss', class_weight={{_base_.segnet_class_weight}})),
    auxiliary_head=dict(
        loss_decode=dict(
            _delete_=True, type='WeightedCrossEntropyLoss', class_weight={{_base_.segnet_class_weight}})))
