# ASPP-S: smaller rates.
_base_ = './deeplabv2-aspp-l_vgg16_1xb8-20k-scratch_camvid-360x480.py'
model = dict(decode_head=dict(dilations=(2, 4, 8, 12)))
