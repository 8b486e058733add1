# The paper's network and settings: a trained FCN-8s (the authors' file, converted), then everything together, one image
# a step. The paper's CRF starts from weights found by search, the released code from 3 and 5. The whole network of
# crfasrnn_pytorch converts for this config, too; all released weights see BGR less its mean, so does their CRF.
_base_ = [
    '../_base_/models/fcn-8s_vgg16.py', '../_base_/datasets/pascal_voc12_aug.py', '../_base_/schedules/schedule_40k.py',
    '../_base_/default_runtime.py'
]
load_from = f'{_base_.converted_root}/fcn-8s_voc12.pth'
model = dict(
    type='RefinedEncoderDecoder',
    data_preprocessor=dict(size=_base_.crop_size, mean=[103.939, 116.779, 123.68], std=[1., 1., 1.], bgr_to_rgb=False),
    refiner_image='network',
    decode_head=dict(num_classes=21),
    refiner=dict(
        type='CRFAsRNN',
        bilateral_sigma_xy=160.,
        bilateral_sigma_rgb=3.,
        spatial_weight=3.,
        bilateral_weight=5.,
        weights='full',
        learn_compatibility=True,
        normalization='after',
        save='lean'))
train_dataloader = dict(batch_size=1)
# 8 = 3 + 5 is strong: see README.md on gradients. Hence a small rate, clipping, and the CRF first.
custom_hooks = [dict(type='TrainOnlyHook', prefix='refiner.', iterations=1000)]
optim_wrapper = dict(
    optimizer=dict(lr=1e-5, momentum=0.99),
    clip_grad=dict(_delete_=True, max_norm=10.),
    paramwise_cfg=dict(custom_keys={'refiner': dict(lr_mult=100., decay_mult=0.)}))
param_scheduler = [dict(type='ConstantLR', factor=1., begin=0, end=40000, by_epoch=False)]
