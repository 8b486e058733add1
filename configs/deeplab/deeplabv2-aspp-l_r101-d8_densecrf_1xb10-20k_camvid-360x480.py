# Dense CRF after the trained network: ten steps, Potts model, the bandwidths and weights of the ResNet-101 release. For
# testing: mim test with the checkpoint of the parent config.
_base_ = './deeplabv2-aspp-l_r101-d8_1xb10-20k_camvid-360x480.py'
model = dict(
    type='RefinedEncoderDecoder',
    refiner=dict(
        type='CRFAsRNN',
        test_iterations=10,
        spatial_sigma=3.,
        spatial_weight=3.,
        bilateral_sigma_xy=67.,
        bilateral_sigma_rgb=3.,
        bilateral_weight=4.))
