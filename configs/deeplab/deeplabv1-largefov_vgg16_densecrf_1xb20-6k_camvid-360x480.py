# Dense CRF after the trained network, for testing with the checkpoint of the parent config. The authors search its
# figures on validation images: weight 3 to 6, 30 to 100 pixels, 3 to 6 colour levels.
_base_ = './deeplabv1-largefov_vgg16_1xb20-6k_camvid-360x480.py'
model = dict(
    type='RefinedEncoderDecoder',
    refiner=dict(
        type='CRFAsRNN',
        test_iterations=10,
        spatial_sigma=3.,
        spatial_weight=3.,
        bilateral_sigma_xy=50.,
        bilateral_sigma_rgb=3.,
        bilateral_weight=4.))
