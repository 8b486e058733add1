"""LinkNet under the names of e-lab/pytorch-linknet."""
from ..engine import Layout, Rule

NORM = r'(weight|bias|running_mean|running_var|num_batches_tracked)'
INNER = {'conv1': 0, 'tp_conv': 1, 'conv2': 2}


def _decoder(match):
    kind = 'bn' if match[3] == '1' else 'conv'
    return f'decode_head.decoders.{int(match[1]) - 1}.{INNER[match[2]]}.{kind}.{match[4]}'


LAYOUTS = (
    Layout(
        name='linknet',
        source='e-lab/pytorch-linknet 99a7c813',
        signature=(r'in_block\.0\.weight', r'decoder4\.tp_conv\.0\.weight', r'tp_conv2\.weight'),
        target_signature=(r'backbone\.conv1\.weight', r'decode_head\.final_up\.conv\.weight'),
        rules=(
            Rule(r'in_block\.0\.weight', 'backbone.conv1.weight'),
            Rule(rf'in_block\.1\.{NORM}', r'backbone.bn1.\1'),
            Rule(r'encoder(\d)\.(.*)', r'backbone.layer\1.\2'),
            Rule(rf'decoder(\d)\.(conv1|tp_conv|conv2)\.(\d)\.{NORM}', _decoder),
            Rule(r'tp_conv1\.0\.(weight|bias)', r'decode_head.final_up.conv.\1'),
            Rule(rf'tp_conv1\.1\.{NORM}', r'decode_head.final_up.bn.\1'),
            Rule(r'conv2\.0\.(weight|bias)', r'decode_head.final_conv.conv.\1'),
            Rule(rf'conv2\.1\.{NORM}', r'decode_head.final_conv.bn.\1'),
            Rule(r'tp_conv2\.(weight|bias)', r'decode_head.conv_seg.\1'),
        )),
)
