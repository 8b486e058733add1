"""Files that hold only the trunk of GFF, or the trunk under another decoder."""
import pytest
import torch

from segfusion.convert import LAYOUTS, choose_layout, convert, strip_wrapper
from segfusion.models.backbones import WideResNet38


def authors_names(norm):
    """A narrow trunk, named as the authors name it; ``norm`` stands between a norm's name and its tensors."""
    state = {}
    for key, value in WideResNet38(base_channels=1).state_dict().items():
        if key == 'mod1.weight':
            state['mod1.conv1.weight'] = value
            continue
        module, block, layer, rest = key.split('.')
        if layer.startswith('norm'):
            layer = layer.replace('norm', 'bn') + norm
            layer = layer if layer.startswith('bn1') else f'convs.{layer}'
        else:
            layer = 'proj_conv' if layer == 'shortcut' else f'convs.{layer}'
        state[f'{module}.block{int(block) + 1}.{layer}.{rest}'] = torch.randn_like(value.float()).to(value.dtype)
    return state


CLASSIFIER = {'classifier.fc.weight': torch.zeros(10, 64), 'classifier.fc.bias': torch.zeros(10)}
DECODER = {'aspp.img_conv.0.weight': torch.zeros(1), 'bot_fine.weight': torch.zeros(1),
           'bot_aspp.weight': torch.zeros(1), 'final.0.weight': torch.zeros(1)}


@pytest.mark.parametrize('norm, others, name', [
    ('.0', {**CLASSIFIER, 'bn_out.0.weight': torch.zeros(64)}, 'imagenet-wide-resnet38'),
    ('', {**CLASSIFIER, 'bn_out.weight': torch.zeros(64)}, 'imagenet-wide-resnet38-abn'),
    ('.0', DECODER, 'wide-resnet38-deeplab'),
])
@pytest.mark.parametrize('wrapped', [False, True])
def test_trunk_files_fill_the_backbone(norm, others, name, wrapped):
    """Bare, and inside ``WithEdges``, as Gated-SCNN has it."""
    source = authors_names(norm)
    state = strip_wrapper(dict(state_dict={f'module.{k}': v for k, v in {**source, **others}.items()}))
    net = WideResNet38(base_channels=1)
    prefix, name = ('backbone.backbone.', f'{name}-with-edges') if wrapped else ('backbone.', name)
    wanted = {f'{prefix}{k}': v for k, v in net.state_dict().items()}
    wanted['decode_head.conv_seg.weight'] = torch.zeros(1)
    layout = choose_layout(state, wanted, LAYOUTS)
    assert layout.name == name
    result, report = convert(state, wanted, layout)
    assert set(report.dropped) == set(others)
    net.load_state_dict(result)
    assert torch.equal(net.mod7[0].shortcut.weight, source['mod7.block1.proj_conv.weight'])
    assert torch.equal(net.mod4[5].conv2.weight, source['mod4.block6.convs.conv2.weight'])
    scale = source[f'mod6.block1.convs.bn3{norm}.weight']
    # The in-place kernels multiply by |w| + 1e-5; their biases and statistics are as they are.
    torch.testing.assert_close(net.mod6[0].norm3.weight.data, scale if norm else scale.abs() + 1e-5, atol=0, rtol=0)
    assert torch.equal(net.mod6[0].norm3.bias, source[f'mod6.block1.convs.bn3{norm}.bias'])
