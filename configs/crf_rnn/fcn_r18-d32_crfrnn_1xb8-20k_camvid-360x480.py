_base_ = '../fcn/fcn_r18-d32_1xb8-20k_camvid-360x480.py'
model = dict(type='RefinedEncoderDecoder', refiner=dict(type='CRFAsRNN'))
