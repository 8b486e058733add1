# Second stage: starts from the trained FCN, trains the CRF alone for 500 iterations, then everything.
_base_ = './fcn_r18-d32_crfrnn_1xb8-20k_camvid-360x480.py'
load_from = 'work_dirs/fcn_r18-d32_1xb8-20k_camvid-360x480/iter_20000.pth'
model = dict(unary_loss_weight=0.4, refiner=dict(weights='full', learn_compatibility=True, save='lean'))
custom_hooks = [dict(type='TrainOnlyHook', prefix='refiner.', iterations=500)]
optim_wrapper = dict(
    optimizer=dict(lr=0.001),
    clip_grad=dict(_delete_=True, max_norm=10.),
    paramwise_cfg=dict(custom_keys={'refiner': dict(lr_mult=10., decay_mult=0.)}))
