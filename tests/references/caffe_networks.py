"""Networks that exist as Caffe prototxt files only, transcribed layer by layer; ``w`` holds weights by layer name."""
import numpy as np
import torch
import torch.nn.functional as F


def conv(w, name, x, relu=True, **kwargs):
    x = F.conv2d(x, w[f'{name}.weight'], w[f'{name}.bias'], **kwargs)
    return F.relu(x) if relu else x


def voc_context(w, x):
    """fyu/dilation, models/dilation8_pascal_voc_deploy.prototxt, blobs fc-final to ct_final."""
    x = conv(w, 'ct_conv1_1', x, padding=33)
    x = conv(w, 'ct_conv1_2', x)
    x = conv(w, 'ct_conv2_1', x, dilation=2)
    x = conv(w, 'ct_conv3_1', x, dilation=4)
    x = conv(w, 'ct_conv4_1', x, dilation=8)
    x = conv(w, 'ct_conv5_1', x, dilation=16)
    x = conv(w, 'ct_fc1', x)
    return conv(w, 'ct_final', x, relu=False)


def street_context(w, x, last):
    """models/dilation8_camvid_deploy.prototxt, final to ctx_final: ``last`` is 5; 4 for KITTI, 7 for Cityscapes."""
    x = conv(w, 'ctx_conv1_1', x, padding=1)
    x = conv(w, 'ctx_conv1_2', x, padding=1)
    for i in range(2, last + 1):
        x = conv(w, f'ctx_conv{i}_1', x, padding=2**(i - 1), dilation=2**(i - 1))
    x = conv(w, 'ctx_fc1', x, padding=1)
    return conv(w, 'ctx_final', x, relu=False)


def dilated_front_end(w, image, final, margin=186):
    """All four prototxt files, to the blob ``final``; predict.py reflects the image."""
    x = torch.from_numpy(np.pad(image.numpy(), ((0, 0), (0, 0), (margin, margin), (margin, margin)), mode='reflect'))
    for name in ('conv1_1', 'conv1_2', 'pool', 'conv2_1', 'conv2_2', 'pool', 'conv3_1', 'conv3_2', 'conv3_3', 'pool',
                 'conv4_1', 'conv4_2', 'conv4_3'):
        x = F.max_pool2d(x, 2, 2, ceil_mode=True) if name == 'pool' else conv(w, name, x)
    for name in ('conv5_1', 'conv5_2', 'conv5_3'):
        x = conv(w, name, x, dilation=2)
    return conv(w, final, conv(w, 'fc7', conv(w, 'fc6', x, dilation=4)), relu=False)


def deeplab_vgg(w, image):
    for name in ('conv1_1', 'conv1_2', 'pool', 'conv2_1', 'conv2_2', 'pool', 'conv3_1', 'conv3_2', 'conv3_3', 'pool',
                 'conv4_1', 'conv4_2', 'conv4_3'):
        image = caffe_pool(image, 2) if name == 'pool' else conv(w, name, image, padding=1)
    x = caffe_pool(image, 1)
    for name in ('conv5_1', 'conv5_2', 'conv5_3'):
        x = conv(w, name, x, padding=2, dilation=2)
    return caffe_pool(x, 1)


def caffe_pool(x, stride):
    """3x3 maxima with a margin of one; the output is rounded up as long as a window starts in the map or its margin."""
    return F.max_pool2d(x, 3, stride, padding=1, ceil_mode=True)


def largefov(w, image):
    """DeepLab-LargeFOV (v1): pool5a is an average, fc6 of rate 12; blob fc8_voc12."""
    x = deeplab_vgg(w, image)
    weights = torch.full((x.shape[1], 1, 3, 3), 1 / 9)
    x = F.conv2d(x, weights, padding=1, groups=x.shape[1])  # Caffe divides by nine at the border, too
    x = conv(w, 'fc7', conv(w, 'fc6', x, padding=12, dilation=12))
    return conv(w, 'fc8_voc12', x, relu=False)


def aspp_vgg(w, image):
    """DeepLabv2_VGG16, ASPP-L; blob fc8_voc12."""
    x, total = deeplab_vgg(w, image), 0
    for i, rate in ((1, 6), (2, 12), (3, 18), (4, 24)):
        y = conv(w, f'fc7_{i}', conv(w, f'fc6_{i}', x, padding=rate, dilation=rate))
        total = total + conv(w, f'fc8_voc12_{i}', y, relu=False)
    return total
