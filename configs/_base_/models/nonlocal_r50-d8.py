# Non-local block, stock mmseg parts.
_base_ = './stock_r50-d8.py'
model = dict(decode_head=dict(type='NLHead', reduction=2, use_scale=True, mode='embedded_gaussian'))
