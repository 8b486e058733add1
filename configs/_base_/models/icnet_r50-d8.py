# ICNet on ResNet-50, stock mmseg parts.
_base_ = './icnet_r18-d8.py'
model = dict(backbone=dict(layer_channels=(512, 2048), backbone_cfg=dict(depth=50)))
