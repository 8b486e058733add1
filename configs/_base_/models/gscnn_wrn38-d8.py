# Gated-SCNN as released: edges of the normalised image, losses with their slips. Training needs gt_edge_map: use a
# data set base with boundaries.
_base_ = './encoder_decoder.py'
num_classes = 19
norm_cfg = dict(type='SyncBN', requires_grad=True)
model = dict(
    backbone=dict(
        type='WithEdges',
        of='normalised',
        backbone=dict(type='WideResNet38', out_indices=(0, 1, 2, 3, 6), norm_cfg=norm_cfg)),
    decode_head=dict(
        type='GSCNNHead',
        in_channels=[64, 128, 256, 512, 4096, 1],
        num_classes=num_classes,
        norm_cfg=norm_cfg,
        loss_decode=dict(type='ImageWeightedCrossEntropyLoss')),
    auxiliary_head=dict(
        type='EdgeHead',
        num_classes=num_classes,
        loss_edge=dict(type='BalancedEdgeLoss', form='released'),
        loss_attention=dict(type='ImageWeightedCrossEntropyLoss', loss_name='loss_attention'),
        loss_dual=dict(type='DualTaskLoss', form='released')))
