# The released recipe: 300 epochs, crop 1024, half of the samples drawn by class, OHEM, deep supervision.
_base_ = [
    '../_base_/models/sfnet_r18.py', '../_base_/datasets/cityscapes_1024x1024_class-uniform.py',
    '../_base_/schedules/poly_300e.py', '../_base_/default_runtime.py'
]
crop_size = (1024, 1024)
model = dict(data_preprocessor=dict(size=crop_size))
train_dataloader = dict(batch_size=2, sampler=dict(infinite=False))  # an epoch ends: loops and schedule count epochs
log_processor = dict(by_epoch=True)
