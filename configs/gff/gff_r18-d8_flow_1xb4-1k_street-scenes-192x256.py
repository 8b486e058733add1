# What coarser levels send is warped onto each level instead of resized.
_base_ = './gff_r18-d8_1xb4-1k_street-scenes-192x256.py'
model = dict(decode_head=dict(align=dict(type='FlowAlign')))
