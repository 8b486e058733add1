# ResNet-152, the trunk of the paper's best results.
_base_ = './refinenet_r101_1xb4-30k_camvid-360x480.py'
model = dict(
    backbone=dict(depth=152, init_cfg=dict(type='Pretrained', checkpoint='torchvision://resnet152')))
