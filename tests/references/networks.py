"""Every family of networks, small enough to export, compile or train in a second."""
from pathlib import Path

import torch
from mmengine.config import Config
from torch import nn

from segfusion.diagnosis.cost import build_segmentor

CONFIGS = Path(__file__).parents[2] / 'configs'
FCN_TAIL = [dict(out_channels=32, kernel_size=7, padding=0, dropout=0.5), dict(out_channels=32, kernel_size=1)]
DILATION_TAIL = [dict(out_channels=32, kernel_size=7, dilation=4, dropout=0.5), dict(out_channels=32, kernel_size=1)]
# Transformers: the real wiring at a few layers, narrow where the config lets it.
VIT = {'backbone.num_layers': 4, 'backbone.out_indices': (0, 1, 2, 3)}
STAGES = dict(
    _delete_=True, embed_dims=(16, 32, 32, 64), depths=(1, 1, 1, 1), num_heads=(2, 2, 4, 4), mlp_ratios=(2, 2, 2, 2),
    sr_ratios=(8, 4, 2, 1))
FPN = {'neck.in_channels': list(STAGES['embed_dims']), 'neck.out_channels': 32, 'decode_head.in_channels': [32] * 4,
       'decode_head.channels': 32}
SWIN = dict(_delete_=True, embed_dims=8, depths=[1, 1, 2, 1], num_heads=[1, 2, 2, 4])
# name -> config, changes of its model
NETWORKS = {
    'sfnet': ('sfnet/sfnet_r18_1xb4-1k_street-scenes-192x256.py', {}),
    'sfnet_lite': ('sfnet_lite/sfnet-lite_r18_1xb4-1k_street-scenes-192x256.py', {}),
    'alignseg': ('alignseg/alignseg_r18_1xb4-1k_street-scenes-192x256.py', {}),
    'gff': ('gff/gff_r18-d8_1xb4-1k_street-scenes-192x256.py', {}),
    'gff_flow': ('gff/gff_r18-d8_flow_1xb4-1k_street-scenes-192x256.py', {}),
    'deformable': ('sfnet/sfnet_r18_1xb4-1k_street-scenes-192x256.py', {
        'decode_head.align': dict(type='DeformableAlign')}),
    'fcn': ('fcn_xs/fcn-8s_vgg16_1xb8-20k-scratch_camvid-360x480.py', {
        'backbone.tail': FCN_TAIL, 'decode_head.in_channels': [3, 256, 512, 32]}),
    'segnet': ('segnet/segnet_vgg16_1xb8-20k-scratch_camvid-360x480.py', {}),
    'segnet_basic': ('segnet/segnet-basic_1xb8-20k-scratch_camvid-360x480.py', {}),
    'enet': ('enet/enet_1xb8-20k-scratch_camvid-360x480.py', {}),
    'linknet': ('linknet/linknet_r18_1xb8-20k-scratch_camvid-360x480.py', {}),
    'refinenet': ('refinenet/refinenet_r50_1xb8-20k-scratch_camvid-360x480.py', {
        'decode_head.channels': 16, 'decode_head.coarse_channels': 16}),
    'gfrnet': ('gfrnet/gfrnet_vgg16_1xb8-20k-scratch_camvid-360x480.py', {}),
    'large_kernel': ('large_kernel/large-kernel_r50_1xb8-20k-scratch_camvid-360x480.py', {}),
    'fc_densenet': ('fc_densenet/fc-densenet56_1xb8-20k-scratch_camvid-360x480.py', {}),
    'deeplab_v2': ('deeplab/deeplabv2-aspp-l_vgg16_1xb8-20k-scratch_camvid-360x480.py', {
        'decode_head.mid_channels': 32}),
    'dilation': ('dilation/dilation8_vgg16_1xb8-20k-scratch_camvid-360x480.py', {
        'backbone.tail': DILATION_TAIL, 'decode_head.in_channels': [3, 32]}),
    'transunet': ('transunet/transunet_r50-vit-b16_1xb8-20k-scratch_camvid-352x480.py', {
        'backbone.img_size': (64, 96), 'backbone.base_channels': 16, 'backbone.stage_blocks': (1, 1, 1),
        'backbone.embed_dims': 24, 'backbone.num_layers': 2, 'backbone.num_heads': 2,
        'backbone.norm_cfg': dict(type='GN', num_groups=4, eps=1e-6), 'decode_head.neck_channels': 16,
        'decode_head.in_channels': [3, 16, 64, 128, 24], 'decode_head.channels': (16, 8, 8, 4)}),
    **{f'structtoken_{kind.lower()}': ('structtoken/structtoken-pwe_vit-s16_1xb8-20k-scratch_camvid-352x480.py', {
        'backbone.embed_dims': 16, 'backbone.num_layers': 2, 'backbone.num_heads': 2,
        'decode_head.type': f'{kind}StructTokenHead', 'decode_head.in_channels': 16,
        'decode_head.channels': 8, 'decode_head.num_layers': 2})
       for kind in ('CrossSlice', 'SelfSlice', 'Pointwise')},
    'gscnn': ('gscnn/gscnn_wrn38-d8_1xb8-20k_camvid-360x480.py', {
        'backbone.backbone.base_channels': 2, 'backbone.backbone.with_cp': False, 'decode_head.channels': 8,
        'decode_head.in_channels': [2, 4, 8, 16, 128, 1], 'decode_head.stream_channels': (6, 4, 2)}),
    'setr_pup': ('setr/setr_vit-t_pup_1xb8-20k_camvid-352x480.py', VIT),
    'setr_mla': ('setr/setr_vit-t_mla_1xb8-20k_camvid-352x480.py', VIT),
    'segmenter_mask': ('segmenter/segmenter_vit-t_mask_1xb8-20k_camvid-352x480.py', {
        'backbone.num_layers': 2}),
    'segformer': ('segformer/segformer_mit-b0_1xb8-20k_camvid-360x480.py', {
        'backbone.num_layers': [1, 1, 1, 1]}),
    'pvt': ('pvt/sem-fpn_pvt-t_1xb8-20k_camvid-360x480.py', {
        **FPN, 'backbone.arch': STAGES}),
    'sfnet_pvt': ('sfnet/sfnet_pvtv2-b0_1xb8-20k_camvid-360x480.py', {
        'backbone.type': 'PyramidVisionTransformer', 'backbone.arch': STAGES}),
    'sfnet_pvt_v2': ('sfnet/sfnet_pvtv2-b0_1xb8-20k_camvid-360x480.py', {
        'backbone.arch': dict(STAGES, linear=False)}),
    'sfnet_pvt_v2_linear': ('sfnet/sfnet_pvtv2-b0_1xb8-20k_camvid-360x480.py', {
        'backbone.arch': dict(STAGES, linear=True)}),
    'sfnet_shunted': ('sfnet/sfnet_shunted-t_1xb8-20k_camvid-360x480.py', {
        'backbone.arch': dict(STAGES, num_convs=1)}),
    'sfnet_swin': ('sfnet/sfnet_swin-t_1xb8-20k_camvid-360x480.py', {
        'backbone.arch': SWIN}),
    'sfnet_vit': ('sfnet/sfnet_vit-t_mln_1xb8-20k_camvid-352x480.py', VIT),
}
FUSION = ('sfnet', 'sfnet_lite', 'alignseg', 'gff')


def network(name: str, **changes) -> nn.Module:
    """A segmentor with weights and statistics that hide nothing: offsets are not zero, norms not the identity.

    Args:
        name: Of ``NETWORKS``.
        **changes: Further changes of the model, dots written as two underscores.
    """
    path, options = NETWORKS[name]
    config = Config.fromfile(CONFIGS / path)
    config.model.data_preprocessor.pop('size', None)
    config.merge_from_dict({f'model.{k}': v for k, v in options.items()})
    config.merge_from_dict({f'model.{k.replace("__", ".")}': v for k, v in changes.items()})
    torch.manual_seed(0)
    model = build_segmentor(config)
    for module in model.modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm) and module.running_mean is not None:
            nn.init.uniform_(module.running_mean, -0.1, 0.1)
            nn.init.uniform_(module.running_var, 0.5, 1.5)
    for key, parameter in model.named_parameters():
        if 'offset_conv' in key or 'flow_conv' in key:
            nn.init.normal_(parameter, std=0.05)
    model.cfg = config
    return model
