# The same recorded indices, averaged over channels to one sub-pixel displacement: dense maps instead of sparse ones.
_base_ = './segnet-basic_1xb8-20k-scratch_camvid-360x480.py'
model = dict(decode_head=dict(align=dict(type='RecordedAlign', temperature=1.)))
