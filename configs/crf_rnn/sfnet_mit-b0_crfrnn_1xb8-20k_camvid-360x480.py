_base_ = '../sfnet/sfnet_mit-b0_1xb8-20k_camvid-360x480.py'
model = dict(type='RefinedEncoderDecoder', refiner=dict(type='CRFAsRNN'))
