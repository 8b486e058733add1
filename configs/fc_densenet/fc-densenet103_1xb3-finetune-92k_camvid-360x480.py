# The authors' fine-tuning on whole images at 1e-4, patience 50 epochs. Copy best_mIoU_iter_*.pth of the
# training on crops to the name in load_from.
_base_ = './fc-densenet103_1xb3-92k-scratch_camvid-224x224.py'
crop_size = (360, 480)
model = dict(data_preprocessor=dict(size=crop_size), backbone=dict(with_cp=True))
train_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='LoadAnnotations'),
    dict(type='CheckLabels', num_classes=11),
    dict(type='RandomFlip', prob=0.5),
    dict(type='PackSegInputs')
]
optim_wrapper = dict(optimizer=dict(lr=1e-4))
custom_hooks = [dict(type='EarlyStoppingHook', monitor='mIoU', patience=10, min_delta=0.)]  # of 5 epochs each
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
load_from = 'work_dirs/fc-densenet103_1xb3-92k-scratch_camvid-224x224/best_mIoU.pth'
