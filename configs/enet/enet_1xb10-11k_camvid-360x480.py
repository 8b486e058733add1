# The authors' second stage: 300 epochs of batch 10, a tenth of the rate every 100. It starts from the encoder of the
# first stage.
_base_ = './enet_1xb8-20k-scratch_camvid-360x480.py'
optim_wrapper = dict(
    _delete_=True,
    type='OptimWrapper',
    optimizer=dict(type='Adam', lr=5e-4, weight_decay=2e-4))
param_scheduler = [dict(type='MultiStepLR', milestones=[3670, 7340], gamma=0.1, by_epoch=False)]
train_cfg = dict(max_iters=11010, val_interval=734)
train_dataloader = dict(batch_size=10)
load_from = 'work_dirs/enet-encoder_1xb10-11k-scratch_camvid-360x480/iter_11010.pth'
