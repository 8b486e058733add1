# The paper's network.
_base_ = './gff_r50-d8_4xb2-80k_cityscapes-864x864.py'
model = dict(backbone=dict(depth=101, init_cfg=dict(checkpoint='open-mmlab://resnet101_v1c')))
