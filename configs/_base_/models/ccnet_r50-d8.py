# CCNet, stock mmseg parts; the attention is mmcv's and needs its compiled operators to be importable.
_base_ = './stock_r50-d8.py'
model = dict(decode_head=dict(type='CCHead', recurrence=2))
