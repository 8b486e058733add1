# The recipe all networks share. ENet's class weights.
_base_ = [
    '../_base_/models/enet.py', '../_base_/datasets/camvid.py', '../_base_/datasets/camvid_class_weights.py',
    '../_base_/schedules/camvid_scratch.py', '../_base_/default_runtime.py'
]
crop_size = (360, 480)
model = dict(
    data_preprocessor=dict(size=crop_size),
    decode_head=dict(
        loss_decode=dict(
            _delete_=True, type='WeightedCrossEntropyLoss', class_weight={{_base_.enet_class_weight}})))
train_dataloader = dict(batch_size=8)
