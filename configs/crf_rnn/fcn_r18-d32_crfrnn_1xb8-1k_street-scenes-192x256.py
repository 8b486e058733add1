_base_ = '../fcn/fcn_r18-d32_1xb8-1k_street-scenes-192x256.py'
model = dict(type='RefinedEncoderDecoder', refiner=dict(type='CRFAsRNN'))
