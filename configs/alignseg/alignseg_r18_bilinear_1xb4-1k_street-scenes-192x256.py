# The first ablation: the same path, lined up by bilinear resizing.
_base_ = './alignseg_r18_1xb4-1k_street-scenes-192x256.py'
model = dict(decode_head=dict(align=dict(type='BilinearAlign')))
