# The released network. Its own training script is not published; this is the one of the authors' other WideResNet-38
# networks: class-uniform crops of 896, 175 epochs, power 1 once an epoch, trunk from Mapillary Vistas.
# Plain cross-entropy is our assumption. 141 M parameters: with_cp recomputes blocks to fit two crops a GPU.
_base_ = [
    '../_base_/models/gff_wrn38-d8.py', '../_base_/datasets/cityscapes_896x896_class-uniform.py',
    '../_base_/schedules/poly_175e.py', '../_base_/epoch_runtime.py'
]
model = dict(
    data_preprocessor=dict(size=_base_.crop_size),
    backbone=dict(
        with_cp=True, init_cfg=dict(type='Pretrained', checkpoint=f'{_base_.converted_root}/wide-resnet38_gff.pth')))
