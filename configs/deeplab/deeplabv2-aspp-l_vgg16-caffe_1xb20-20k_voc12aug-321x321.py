# ASPP-L on VGG16 as released, for its converted caffemodel; poly decay. Version 2 has no average pooling.
_base_ = './deeplabv1-largefov_vgg16-caffe_1xb20-6k_voc12aug-321x321.py'
load_from = f'{_base_.converted_root}/deeplabv2-aspp-l_vgg16_voc12.pth'
model = dict(backbone=dict(average_pool=False), decode_head=dict(dilations=(6, 12, 18, 24)))
optim_wrapper = dict(
    paramwise_cfg=dict(
        custom_keys=dict(_delete_=True, **{f'decode_head.branches.{i}.4': dict(lr_mult=10.) for i in range(4)})))
param_scheduler = [dict(type='PolyLR', power=0.9, eta_min=0, begin=0, end=20000, by_epoch=False)]
train_cfg = dict(max_iters=20000)
