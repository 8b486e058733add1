"""SegNet and SegNet-Basic, Caffe blobs exported by layer name."""
from ..engine import Layout, Rule

# Convolutions of each VGG16 stage; the decoder runs through them backwards: conv5_3_D first.
STAGE_CONVS = {1: 2, 2: 2, 3: 3, 4: 3, 5: 3}
LEAF = r'(weight|bias|running_mean|running_var)'


def _decoder(match):
    stage, conv, norm, leaf = int(match[1]), int(match[2]), match[3], match[4]
    if (stage, conv) == (1, 1):
        return f'decode_head.conv_seg.{leaf}'
    place = STAGE_CONVS[stage] - conv
    return f'decode_head.stages.{stage - 1}.{place}.{"bn" if norm else "conv"}.{leaf}'


LAYOUTS = (
    Layout(
        name='segnet-caffe',
        source='alexgkendall/SegNet-Tutorial, Models/segnet_inference.prototxt',
        signature=(r'conv5_3_D\.weight', r'conv1_1_D\.weight'),
        target_signature=(r'backbone\.conv5_3\.conv\.weight', r'decode_head\.stages\.4\.2\.conv\.weight'),
        rules=(
            Rule(r'conv(\d)_(\d)\.(weight|bias)', r'backbone.conv\1_\2.conv.\3'),
            Rule(rf'conv(\d)_(\d)_bn\.{LEAF}', r'backbone.conv\1_\2.bn.\3'),
            Rule(rf'conv(\d)_(\d)_D(_bn)?\.{LEAF}', _decoder),
        )),
    Layout(
        name='segnet-basic-caffe',
        source='alexgkendall/SegNet-Tutorial, Models/segnet_basic_inference.prototxt, bb68b64e',
        signature=(r'conv_decode4\.weight', r'conv_classifier\.weight'),
        target_signature=(r'backbone\.convs\.3\.conv\.weight', r'decode_head\.stages\.3\.0\.conv\.weight'),
        rules=(
            Rule(r'conv(\d)\.(weight|bias)', lambda m: f'backbone.convs.{int(m[1]) - 1}.conv.{m[2]}'),
            Rule(rf'conv(\d)_bn\.{LEAF}', lambda m: f'backbone.convs.{int(m[1]) - 1}.bn.{m[2]}'),
            Rule(r'conv_decode(\d)\.(weight|bias)', lambda m: f'decode_head.stages.{int(m[1]) - 1}.0.conv.{m[2]}'),
            Rule(rf'conv_decode(\d)_bn\.{LEAF}', lambda m: f'decode_head.stages.{int(m[1]) - 1}.0.bn.{m[2]}'),
            Rule(r'conv_classifier\.(weight|bias)', r'decode_head.conv_seg.\1'),
        )),
)
