_base_ = '../alignseg/alignseg_r50-v1c_1xb8-20k_camvid-360x480.py'
model = dict(type='RefinedEncoderDecoder', refiner=dict(type='CRFAsRNN'))
