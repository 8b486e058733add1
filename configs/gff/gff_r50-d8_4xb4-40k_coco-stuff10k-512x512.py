_base_ = [
    '../_base_/models/gff_r50-d8.py', '../_base_/datasets/coco-stuff10k.py', '../_base_/schedules/schedule_40k.py',
    '../_base_/default_runtime.py'
]
model = dict(
    data_preprocessor=dict(size=_base_.crop_size),
    decode_head=dict(num_classes=171),
    auxiliary_head=dict(num_classes=171))
train_dataloader = dict(batch_size=4)
