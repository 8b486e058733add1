# The first ablation: the same pyramid, lined up by bilinear resizing.
_base_ = './sfnet_r18_8xb2-300e_cityscapes-1024x1024.py'
model = dict(decode_head=dict(align=dict(type='BilinearAlign')))
