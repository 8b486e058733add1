# The first ablation: the same path, lined up by bilinear resizing.
_base_ = './alignseg_r50-v1c_1xb8-20k_camvid-360x480.py'
model = dict(decode_head=dict(align=dict(type='BilinearAlign')))
