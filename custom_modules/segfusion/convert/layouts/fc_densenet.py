"""FC-DenseNet under the names of bfortuner/pytorch_tiramisu."""
from ..engine import Layout, Rule


def _refuse(source, target):
    if any(key.endswith('running_mean') for key in target):
        return None
    return ('the file holds running statistics, which the config, like the paper, does not keep: convert, test and '
            'train it with --cfg-options model.backbone.norm_cfg.track_running_stats=True')


LAYOUTS = (
    Layout(
        name='fc-densenet',
        source='bfortuner/pytorch_tiramisu c1cf0796',
        signature=(r'firstconv\.weight', r'denseBlocksDown\.0\.layers\.0\.norm\.running_mean', r'finalConv\.weight'),
        target_signature=(r'backbone\.down_blocks\.0\.layers\.0\.norm\.weight', ),
        refuse=_refuse,
        rules=(
            Rule(r'firstconv\.(weight|bias)', r'backbone.stem.\1'),
            Rule(r'denseBlocksDown\.(.*)', r'backbone.down_blocks.\1'),
            Rule(r'transDownBlocks\.(.*)', r'backbone.downs.\1'),
            Rule(r'bottleneck\.bottleneck\.(.*)', r'backbone.bottleneck.\1'),
            Rule(r'transUpBlocks\.(\d+)\.convTrans\.(.*)', r'backbone.ups.\1.\2'),
            Rule(r'denseBlocksUp\.(.*)', r'backbone.up_blocks.\1'),
            Rule(r'finalConv\.(weight|bias)', r'decode_head.conv_seg.\1'),
        )),
)
