import pytest
import torch

from segfusion.models.decode_heads import SegNetHead
from segfusion.ops.unpool import max_pool_with_indices
from tests.references import classic


def test_parity_of_segnet_basic():
    classic.assert_parity('classic_segnet_basic_caffe', classic.build('segnet-basic'))


@pytest.mark.parametrize('config, params, gmacs', [('segnet_vgg16', 29.45, 106.7), ('segnet-basic', 1.417, 59.19)])
def test_cost(config, params, gmacs):
    model = classic.build(config, device='meta')
    assert classic.parameters(model) / 1e6 == pytest.approx(params, rel=5e-4)
    assert classic.gmacs(model) == pytest.approx(gmacs, rel=5e-4)


def test_segnet_caffe_names_are_the_encoder_mirrored():
    """Every blob of the VGG16 prototxt finds its place; the decoder's conv5_3_D comes first in its stage."""
    from segfusion.convert import convert
    from segfusion.convert.layouts.segnet import LAYOUTS
    model = classic.build('segnet_vgg16')
    target, source = model.state_dict(), {}
    for stage, count in enumerate((2, 2, 3, 3, 3), start=1):
        for i in range(1, count + 1):
            ours = [f'backbone.conv{stage}_{i}', f'decode_head.stages.{stage - 1}.{count - i}']
            theirs = [f'conv{stage}_{i}', f'conv{stage}_{i}_D']
            for new, old in zip(ours, theirs):
                if old == 'conv1_1_D':
                    source.update({f'{old}.{leaf}': target[f'decode_head.conv_seg.{leaf}'] for leaf in
                                   ('weight', 'bias')})
                    continue
                source.update({f'{old}.{leaf}': target[f'{new}.conv.{leaf}'] for leaf in ('weight', 'bias')})
                source.update({f'{old}_bn.{leaf}': target[f'{new}.bn.{leaf}']
                               for leaf in ('weight', 'bias', 'running_mean', 'running_var')})
    layout, = (x for x in LAYOUTS if x.matches(source, target))
    result, _ = convert(source, target, layout)
    assert all(torch.equal(result[k], v) for k, v in target.items())


@pytest.mark.parametrize('config', ['segnet-basic', 'segnet_vgg16'])
def test_trains_at_an_odd_size_and_returns_to_it(config):
    model = classic.build(config)
    assert classic.assert_trains(model, 33, 47).shape == (2, 11, 33, 47)


def test_one_by_one_identity_decoder_is_unpooling():
    """With identity convolutions the logits are the unpooled map itself."""
    head = SegNetHead([2, 2], [[2]], kernel_size=1, classifier_kernel=1, num_classes=2, norm_cfg=None, act_cfg=None,
                      align_corners=False).eval()
    with torch.no_grad():
        for conv in (head.stages[0][0].conv, head.conv_seg):
            conv.weight.copy_(torch.eye(2)[:, :, None, None])
            conv.bias.zero_()
    x = torch.rand(1, 2, 5, 7)
    pooled, indices = max_pool_with_indices(x)
    out = head([indices, pooled])
    assert torch.equal(out, torch.where(indices, x, torch.zeros(())))


def test_stages_that_do_not_meet_their_indices_are_refused():
    with pytest.raises(ValueError, match=r'stages\[1\]'):
        SegNetHead([8, 16, 16], [[8], [16, 16]], num_classes=2)
    with pytest.raises(ValueError, match='2 pooling indices'):
        SegNetHead([8, 16], [[8], [16, 8]], num_classes=2)
