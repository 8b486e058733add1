# The first ablation: the same pyramid, lined up by bilinear resizing.
_base_ = './sfnet_r18_1xb4-1k_street-scenes-192x256.py'
model = dict(decode_head=dict(align=dict(type='BilinearAlign')))
