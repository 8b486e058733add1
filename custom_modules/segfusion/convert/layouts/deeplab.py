"""DeepLab v1 and v2: Caffe blobs by layer name, and kazuto1011/deeplab-pytorch."""
from ..caffe import name_blobs
from ..engine import Drop, Layout, Rule

LEAF = r'(weight|bias|running_mean|running_var)'
CONVS = {'1': 'downsample.0', '2a': 'conv1', '2b': 'conv2', '2c': 'conv3'}
NORMS = {'1': 'downsample.1', '2a': 'bn1', '2b': 'bn2', '2c': 'bn3'}
UNITS = {'shortcut': '1', 'reduce': '2a', 'conv3x3': '2b', 'increase': '2c'}


def _branch(match):
    """``fc6_2`` is of the second branch; LargeFOV, the only one, has no number."""
    place = dict(fc6='0.conv', fc7='2.conv', fc8='4')[match[1]]
    return f'decode_head.branches.{int(match[2] or 1) - 1}.{place}.{match[3]}'


def _caffe_block(match):
    """Blocks are ``a``, ``b``, ``c``, or ``a``, ``b1``, ``b2``, ... of stage 2 to 5."""
    kind, stage, letter, number, branch, leaf = match.groups()
    block = int(number) if number else ord(letter) - ord('a')
    return f'backbone.layer{int(stage) - 1}.{block}.{(CONVS if kind == "res" else NORMS)[branch]}.{leaf}'


def _kazuto_block(match):
    stage, block, unit, kind, leaf = match.groups()
    name = (CONVS if kind == 'conv' else NORMS)[UNITS[unit]]
    return f'backbone.layer{int(stage) - 1}.{int(block) - 1}.{name}.{leaf}'


COUNT = Drop(r'.*\.num_batches_tracked', 'counts of training steps')
KAZUTO_TRUNK = (
    Rule(rf'(?:base\.)?layer1\.conv1\.conv\.{LEAF}', r'backbone.conv1.\1'),
    Rule(rf'(?:base\.)?layer1\.conv1\.bn\.{LEAF}', r'backbone.bn1.\1'),
    Rule(rf'(?:base\.)?layer([2-5])\.block(\d+)\.(\w+)\.(conv|bn)\.{LEAF}', _kazuto_block),
)
KAZUTO = 'kazuto1011/deeplab-pytorch 4219467f'
KAZUTO_MARK = r'(base\.)?layer5\.block1\.conv3x3\.conv\.weight'

LAYOUTS = (
    Layout(
        name='deeplab-vgg16-caffe',
        source='DeepLab-LargeFOV (v1) and DeepLabv2_VGG16, train.prototxt',
        signature=(r'conv5_3\.(weight|0)', r'fc7(_1)?\.(weight|0)', r'fc8_.*\.(weight|0)'),
        target_signature=(r'backbone\.conv5_3\.conv\.weight', r'decode_head\.branches\.0\.4\.weight'),
        rules=(
            Rule(r'conv(\d)_(\d)\.(weight|bias)', r'backbone.conv\1_\2.conv.\3'),
            Rule(r'(fc[67])(?:_(\d))?\.(weight|bias)', _branch),
            Rule(r'(fc8)_\w+?(?:_(\d))?\.(weight|bias)', _branch),
        ),
        prepare=name_blobs),
    Layout(
        name='deeplabv2-resnet-caffe',
        source='DeepLabv2_ResNet101, train.prototxt',
        signature=(r'res5c_branch2c\.(weight|0)', r'fc1_\w+_c0\.(weight|0)'),
        target_signature=(r'backbone\.layer4\.0\.conv3\.weight', r'decode_head\.branches\.0\.weight'),
        rules=(
            Rule(r'conv1\.weight', 'backbone.conv1.weight'),
            Rule(rf'(?:bn|scale)_conv1\.{LEAF}', r'backbone.bn1.\1'),
            Rule(rf'(res|bn|scale)(\d)([a-z])(\d*)_branch(1|2[abc])\.{LEAF}', _caffe_block),
            Rule(r'fc1_\w+_c(\d)\.(weight|bias)', r'decode_head.branches.\1.\2'),
        ),
        drops=(Drop(r'.*res0(5|75).*', 'second copies, for the scaled images'), COUNT),
        prepare=name_blobs),
    Layout(
        name='deeplabv2-kazuto',
        source=KAZUTO,
        signature=(KAZUTO_MARK, r'(base\.)?aspp\.c0\.weight'),
        target_signature=(r'backbone\.layer4\.0\.conv3\.weight', r'decode_head\.branches\.0\.weight'),
        rules=(*KAZUTO_TRUNK, Rule(r'(?:base\.)?aspp\.c(\d)\.(weight|bias)', r'decode_head.branches.\1.\2')),
        drops=(COUNT, )),
    Layout(
        name='deeplabv1-kazuto-init',
        source=f'{KAZUTO}, deeplabv1_resnet101-coco.pth (the released initial weights)',
        signature=(KAZUTO_MARK, r'fc\.weight'),
        target_signature=(r'backbone\.layer4\.0\.conv3\.weight', ),
        rules=KAZUTO_TRUNK,
        drops=(COUNT, Drop(r'fc\.(weight|bias)', 'classifier of COCO')),
        scope='backbone.'),
)
