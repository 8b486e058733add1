# Crop 864, batch 8 and power 0.9 are what we remember of the paper's recipe and could not re-read; weight of the
# auxiliary loss (PSPNet's) and number of iterations (mmseg's usual) are ours.
_base_ = [
    '../_base_/models/gff_r50-d8.py', '../_base_/datasets/cityscapes_864x864.py',
    '../_base_/schedules/schedule_80k.py', '../_base_/default_runtime.py'
]
model = dict(
    data_preprocessor=dict(size=_base_.crop_size),
    test_cfg=dict(mode='slide', crop_size=_base_.crop_size, stride=(576, 576)))
train_dataloader = dict(batch_size=2)
