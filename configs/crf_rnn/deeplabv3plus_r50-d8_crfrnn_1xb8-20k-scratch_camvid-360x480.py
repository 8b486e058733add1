_base_ = '../deeplabv3plus/deeplabv3plus_r50-d8_1xb8-20k-scratch_camvid-360x480.py'
model = dict(type='RefinedEncoderDecoder', refiner=dict(type='CRFAsRNN'))
