import pytest
import torch
from mmseg.registry import MODELS
from torch import nn

from segfusion.models.context import ASPPContext
from tests.references import golden


def test_parity_with_the_authors_module():
    data = golden.load('modules')
    width = golden.module_state(data, 'gff_aspp')['img_conv.1.weight'].shape[0]
    context = ASPPContext(8, width, rates=(12, 24, 36), norm_cfg=dict(type='BN'), out_norm_act=False)
    state = {}
    for key, value in golden.module_state(data, 'gff_aspp').items():
        *where, layer, rest = key.split('.')
        name = 'image_pool' if where == ['img_conv'] else f'branches.{where[1]}'
        state[f'{name}.{["conv", "bn"][int(layer)]}.{rest}'] = value
    context.bottleneck = nn.Identity()  # theirs ends in the concatenation
    context.load_state_dict(state)
    with torch.no_grad():
        golden.assert_parity(context.eval()(torch.from_numpy(data['gff_aspp/in0'])), data['gff_aspp/out0'])


@pytest.mark.parametrize('align_corners', [True, False])
def test_defaults_are_the_hosts_aspp(align_corners):
    host = MODELS.build(
        dict(
            type='ASPPHead',
            in_channels=6,
            channels=4,
            num_classes=2,
            dilations=(1, 6, 12, 18),
            align_corners=align_corners,
            norm_cfg=dict(type='BN'))).eval()
    ours = ASPPContext(6, 4, norm_cfg=dict(type='BN')).eval()
    ours.load_state_dict({
        k.replace('image_pool.1.', 'image_pool.').replace('aspp_modules.', 'branches.'): v
        for k, v in host.state_dict().items() if not k.startswith('conv_seg')
    })
    x = torch.randn(2, 6, 9, 14)
    with torch.no_grad():
        # Not bit for bit: resizing one cell, as the host does, may round it.
        torch.testing.assert_close(ours(x), host._forward_feature([x]), atol=1e-6, rtol=1e-6)


def test_output_without_norm_has_no_bias():
    context = ASPPContext(6, 4, norm_cfg=dict(type='BN'), out_norm_act=False)
    assert [k for k in context.state_dict() if k.startswith('bottleneck')] == ['bottleneck.conv.weight']
    assert (context.eval()(torch.randn(2, 6, 5, 7)) < 0).any()


def test_wrong_channels_are_named():
    with pytest.raises(ValueError, match='in_channels=6, got a map with 5 channels'):
        ASPPContext(6, 4)(torch.zeros(1, 5, 4, 4))
