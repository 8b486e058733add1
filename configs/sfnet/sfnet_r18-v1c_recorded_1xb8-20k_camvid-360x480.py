_base_ = './sfnet_r18-v1c_1xb8-20k_camvid-360x480.py'
model = dict(decode_head=dict(align=dict(type='RecordedAlign')))
