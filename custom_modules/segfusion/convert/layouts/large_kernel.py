"""The Global Convolutional Network under the names of ZijunDeng/pytorch-semantic-segmentation."""
from ..engine import Layout, Rule

CONVS = {'l1': 'column_row.0', 'l2': 'column_row.1', 'r1': 'row_column.0', 'r2': 'row_column.1'}


def _refinement(match):
    """brm1..4 follow the levels, coarse to fine; 5..7 the sums; 8 and 9 the two last upsamplings."""
    index, rest = int(match[1]), match[2]
    if index <= 4:
        return f'decode_head.refine_levels.{4 - index}.{rest}'
    if index <= 7:
        return f'decode_head.refine_sums.{7 - index}.{rest}'
    return f'decode_head.refine_{"half" if index == 8 else "full"}.{rest}'


LAYOUTS = (
    Layout(
        name='large-kernel',
        source='ZijunDeng/pytorch-semantic-segmentation 4a1721f9',
        signature=(r'gcm1\.conv_l1\.weight', r'brm9\.conv1\.weight', r'layer0\.0\.weight'),
        target_signature=(r'decode_head\.refine_full\.conv1\.weight', r'backbone\.layer4\.0\.conv1\.weight'),
        rules=(
            Rule(r'layer0\.0\.weight', 'backbone.conv1.weight'),
            Rule(r'layer0\.1\.(.*)', r'backbone.bn1.\1'),
            Rule(r'layer1\.1\.(.*)', r'backbone.layer1.\1'),  # layer1.0 is the pooling
            Rule(r'(layer[234]\..*)', r'backbone.\1'),
            Rule(r'gcm(\d)\.conv_([lr][12])\.(weight|bias)',
                 lambda m: f'decode_head.context.{4 - int(m[1])}.{CONVS[m[2]]}.{m[3]}'),
            Rule(r'brm(\d)\.(.*)', _refinement),
        )),
)
