# What the paper says where the release does otherwise: edges of the image, one sigmoid, boundaries in the dual loss.
_base_ = './gscnn_r50-d8_1xb8-20k_camvid-360x480.py'
model = dict(
    backbone=dict(
        of='image', mean=_base_.model.data_preprocessor.mean, std=_base_.model.data_preprocessor.std),
    auxiliary_head=dict(loss_edge=dict(form='paper'), loss_dual=dict(form='paper')))
