_base_ = '../gff/gff_r50-d8_1xb8-20k_camvid-360x480.py'
model = dict(type='RefinedEncoderDecoder', refiner=dict(type='CRFAsRNN'))
