# The first ablation: the same pyramid, lined up by bilinear resizing.
_base_ = './sfnet_r18_1xb8-20k-scratch_camvid-360x480.py'
model = dict(decode_head=dict(align=dict(type='BilinearAlign')))
