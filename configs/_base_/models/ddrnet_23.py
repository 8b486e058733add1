# DDRNet-23, stock mmseg parts.
_base_ = './ddrnet_23-slim.py'
model = dict(backbone=dict(channels=64), decode_head=dict(in_channels=256, channels=128))
