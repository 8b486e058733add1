# Depth 67.
_base_ = './fc-densenet56_1xb8-20k-scratch_camvid-360x480.py'
model = dict(backbone=dict(depth=67), decode_head=dict(in_channels=288, channels=288))
