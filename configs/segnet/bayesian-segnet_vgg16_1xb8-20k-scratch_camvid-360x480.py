# Bayesian SegNet: dropout in the six central stages, kept on in testing; the probabilities of 8 samples are averaged.
# The paper takes up to 50.
_base_ = './segnet_vgg16_1xb8-20k-scratch_camvid-360x480.py'
model = dict(
    type='MonteCarloEncoderDecoder',
    samples=8,
    backbone=dict(pool_dropout=(0, 0, 0.5, 0.5, 0.5)),
    decode_head=dict(unpool_dropout=(0, 0.5, 0.5, 0.5, 0)))
