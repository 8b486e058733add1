# The authors' first stage: the encoder alone under a 1x1 classifier at 1/8. They shrink the labels to 45x60; here the
# logits are resized to the labels instead.
_base_ = './enet_1xb10-11k_camvid-360x480.py'
load_from = None
model = dict(
    decode_head=dict(
        _delete_=True,
        type='FCNHead',
        in_channels=128,
        in_index=3,
        channels=128,
        num_convs=0,
        concat_input=False,
        dropout_ratio=0,
        num_classes=11,
        align_corners=False,
        loss_decode=dict(type='WeightedCrossEntropyLoss', class_weight={{_base_.enet_class_weight}})))
