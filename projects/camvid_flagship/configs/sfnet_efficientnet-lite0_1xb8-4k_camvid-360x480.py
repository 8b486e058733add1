# Longer, with larger crops. Crops and padded images are multiples of 32, so that no level is halved with a remainder.
_base_ = './sfnet_efficientnet-lite0_1xb8-3k_camvid-360x480.py'
crop_size = (288, 384)
max_iters = 4000
train_pipeline = _base_.train_pipeline
train_pipeline[4]['crop_size'] = crop_size
model = dict(data_preprocessor=dict(size=crop_size, test_cfg=dict(size_divisor=32)))
train_dataloader = dict(dataset=dict(dataset=dict(pipeline=train_pipeline)))
param_scheduler = _base_.param_scheduler
param_scheduler[-1]['end'] = max_iters
train_cfg = dict(max_iters=max_iters, val_interval=1000)
