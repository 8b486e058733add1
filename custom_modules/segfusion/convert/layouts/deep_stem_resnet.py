"""ResNets with a 64-64-128 stem: files of SFNet's authors, of AlignSeg's, and ImageNet weights of either."""
from ..engine import Drop, Layout, Rule

_BLOCK = r'(layer\d\.\d+\.(?:conv\d|bn\d|downsample\.\d)\..*)'
# Most authors' ImageNet files keep their classifier.
CLASSIFIER = Drop(r'(fc|classifier|head\.fc)\..*', 'ImageNet classifier')


def backbone_rules(stem: str, last_norm: str, prefix: str = 'backbone.'):
    """Rules for a trunk whose stem is one Sequential of three convolutions, ``stem``, and the norm ``last_norm``."""
    return (
        Rule(stem + r'\.([01346])\.(.*)', rf'{prefix}stem.\1.\2'),
        Rule(last_norm + r'\.(.*)', rf'{prefix}stem.7.\1'),
        Rule(_BLOCK, rf'{prefix}\1'),
    )


def _refuse(source, target):
    ours = target['backbone.stem.6.weight'].shape[0]
    file = source['stem.6.weight'].shape[0]
    if file != ours:
        return (f'this file has a stem of {file} channels (open-mmlab resnet*_v1c), the config asks for '
                f'{ours}: the stem and layer1 cannot be filled. Use a file with the 64-64-128 stem, or set '
                f'backbone.stem_channels={file} if your network may differ from the released one')
    return None


LAYOUTS = (
    Layout(
        name='imagenet-deep-stem',
        source='ImageNet files of CSAILVision/semantic-segmentation-pytorch, lxtGH/SFSegNets and speedinghzl/AlignSeg',
        signature=(r'conv1\.0\.weight', r'conv1\.6\.weight', r'layer1\.0\.conv1\.weight'),
        target_signature=(r'backbone\.stem\.6\.weight', ),
        rules=backbone_rules('conv1', 'bn1'),
        drops=(CLASSIFIER, ),
        scope='backbone.'),
    Layout(
        name='imagenet-deep-stem-flat',
        source='ImageNet files of CSAILVision/semantic-segmentation-pytorch, older naming',
        signature=(r'conv1\.weight', r'conv3\.weight', r'bn3\.weight', r'layer1\.0\.conv1\.weight'),
        signature_absent=(r'RRB.*', ),
        target_signature=(r'backbone\.stem\.6\.weight', ),
        rules=(
            Rule(r'conv1\.(.*)', r'backbone.stem.0.\1'),
            Rule(r'bn1\.(.*)', r'backbone.stem.1.\1'),
            Rule(r'conv2\.(.*)', r'backbone.stem.3.\1'),
            Rule(r'bn2\.(.*)', r'backbone.stem.4.\1'),
            Rule(r'conv3\.(.*)', r'backbone.stem.6.\1'),
            Rule(r'bn3\.(.*)', r'backbone.stem.7.\1'),
            Rule(_BLOCK, r'backbone.\1'),
        ),
        drops=(CLASSIFIER, ),
        scope='backbone.'),
    Layout(
        name='imagenet-open-mmlab-v1c',
        source='open-mmlab resnet*_v1c ImageNet files',
        signature=(r'stem\.0\.weight', r'stem\.6\.weight', r'layer1\.0\.conv1\.weight'),
        target_signature=(r'backbone\.stem\.6\.weight', ),
        rules=(Rule(r'(stem\.[013467]\..*)', r'backbone.\1'), Rule(_BLOCK, r'backbone.\1')),
        drops=(CLASSIFIER, ),
        scope='backbone.',
        refuse=_refuse),
    Layout(
        name='imagenet-torchvision',
        source='torchvision ImageNet ResNets (one 7x7 convolution as stem)',
        signature=(r'conv1\.weight', r'bn1\.weight', r'layer1\.0\.conv1\.weight', r'layer4\.1\.conv2\.weight'),
        signature_absent=(r'conv3\.weight', r'clf_conv\..*'),
        target_signature=(r'backbone\.(conv1|stem\.6)\.weight', ),
        rules=(Rule(r'((?:conv1|bn1)\..*)', r'backbone.\1'), Rule(_BLOCK, r'backbone.\1')),
        drops=(CLASSIFIER, ),
        scope='backbone.',
        refuse=lambda source, target: None if 'backbone.conv1.weight' in target else
        ('this is a torchvision ResNet with one 7x7 convolution as stem; the config asks for the deep stem (three 3x3 '
         'convolutions), which it cannot fill. Use the authors\' deep-stem file, or a config with type=\'ResNet\'')),
)
