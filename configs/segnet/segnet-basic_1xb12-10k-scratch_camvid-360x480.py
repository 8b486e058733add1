# The released solver: SGD at a fixed rate of .1 for 10000 iterations; batch 12 as in the paper.
_base_ = './segnet-basic_1xb8-20k-scratch_camvid-360x480.py'
optim_wrapper = dict(
    _delete_=True,
    type='OptimWrapper',
    optimizer=dict(type='SGD', lr=0.1, momentum=0.9, weight_decay=5e-4))
param_scheduler = [dict(type='ConstantLR', factor=1., begin=0, end=10000, by_epoch=False)]
train_cfg = dict(max_iters=10000, val_interval=1000)
train_dataloader = dict(batch_size=12)
