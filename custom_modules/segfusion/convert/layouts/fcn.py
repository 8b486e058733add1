"""FCN-32s, 16s, 8s and 8s-at-once: the authors' Caffe layer names, which the PyTorch ports keep."""
from ..engine import Layout, Rule

TRUNK = (
    Rule(r'conv(\d)_(\d)\.(weight|bias)', r'backbone.conv\1_\2.conv.\3'),
    Rule(r'fc([67])\.(weight|bias)', r'backbone.fc\1.0.conv.\2'),
    Rule(r'score_fr\.(weight|bias)', r'decode_head.conv_seg.\1'),
)
SOURCE = 'shelhamer/fcn.berkeleyvision.org, wkentaro/pytorch-fcn 4b988509'

LAYOUTS = (
    Layout(
        name='fcn8s',
        source=SOURCE,
        signature=(r'upscore8\.weight', r'score_pool3\.weight'),
        target_signature=(r'decode_head\.scores\.1\.weight', ),
        rules=(
            *TRUNK,
            Rule(r'score_pool3\.(weight|bias)', r'decode_head.scores.0.\1'),
            Rule(r'score_pool4\.(weight|bias)', r'decode_head.scores.1.\1'),
            Rule(r'upscore2\.weight', 'decode_head.upsample_skips.1.weight'),
            Rule(r'upscore_pool4\.weight', 'decode_head.upsample_skips.0.weight'),
            Rule(r'upscore8\.weight', 'decode_head.upsample_image.weight'),
        )),
    Layout(
        name='fcn16s',
        source=SOURCE,
        signature=(r'upscore16\.weight', r'score_pool4\.weight'),
        target_signature=(r'decode_head\.scores\.0\.weight', r'decode_head\.upsample_image\.weight'),
        rules=(
            *TRUNK,
            Rule(r'score_pool4\.(weight|bias)', r'decode_head.scores.0.\1'),
            Rule(r'upscore2\.weight', 'decode_head.upsample_skips.0.weight'),
            Rule(r'upscore16\.weight', 'decode_head.upsample_image.weight'),
        )),
    Layout(
        name='fcn32s',
        source=SOURCE,
        signature=(r'upscore\.weight', r'fc6\.weight'),
        target_signature=(r'decode_head\.upsample_image\.weight', r'backbone\.fc6\.0\.conv\.weight'),
        rules=(*TRUNK, Rule(r'upscore\.weight', 'decode_head.upsample_image.weight'))),
)
