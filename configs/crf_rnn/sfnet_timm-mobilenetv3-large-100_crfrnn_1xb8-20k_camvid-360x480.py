_base_ = '../sfnet/sfnet_timm-mobilenetv3-large-100_1xb8-20k_camvid-360x480.py'
model = dict(type='RefinedEncoderDecoder', refiner=dict(type='CRFAsRNN'))
