# The authors' recipe: RMSprop, 300 epochs of batch 8, ImageNet weights; class weights 1 / ln(1.02 + p / max p) as in
# model.lua. They train at 576x768.
_base_ = './linknet_r18_1xb8-20k-scratch_camvid-360x480.py'
class_weight = [2.275, 1.779, 20.088, 1.422, 6.673, 3.534, 18.026, 18.485, 5.357, 25.38, 34.73]
model = dict(
    backbone=dict(init_cfg=dict(type='Pretrained', checkpoint='torchvision://resnet18')),
    decode_head=dict(
        loss_decode=dict(_delete_=True, type='WeightedCrossEntropyLoss', class_weight=class_weight)))
optim_wrapper = dict(
    _delete_=True,
    type='OptimWrapper',
    optimizer=dict(type='RMSprop', lr=5e-4))
param_scheduler = [dict(type='ConstantLR', factor=1., begin=0, end=13762, by_epoch=False)]
train_cfg = dict(max_iters=13762, val_interval=1000)
