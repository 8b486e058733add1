# Instead of predicting a flow: where the lateral map responds in each coarse cell. No parameters.
_base_ = './sfnet_r18_1xb4-1k_street-scenes-192x256.py'
model = dict(decode_head=dict(align=dict(type='RecordedAlign')))
