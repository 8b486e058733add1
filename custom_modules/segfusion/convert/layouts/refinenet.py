"""RefineNet under the names of DrSleep/refinenet-pytorch (those of the authors' MatConvNet layers)."""
from ..engine import Drop, Layout, Rule


def _level(group):
    """Their stages count from the coarsest, our levels from the finest."""
    return 4 - int(group)


def _unit(match):
    part = 'adapt' if match[1] == 'adapt_stage' else 'output'
    conv = 'conv2' if match[4] == '_relu_varout_dimred' else 'conv1'
    return f'decode_head.{part}.{_level(match[2])}.{int(match[3]) - 1}.{conv}.{match[5]}'


LAYOUTS = (
    Layout(
        name='refinenet',
        source='DrSleep/refinenet-pytorch 8f25c076',
        signature=(r'p_ims1d2_outl1_dimred\.weight', r'clf_conv\.weight'),
        target_signature=(r'backbone\.layer4\.0\.conv1\.weight', r'decode_head\.fuse_coarse\.0\.weight'),
        rules=(
            Rule(r'((?:conv1|bn1|layer\d)\..*)', r'backbone.\1'),
            Rule(r'p_ims1d2_outl(\d)_dimred\.weight', lambda m: f'decode_head.reduce.{_level(m[1])}.weight'),
            Rule(r'(adapt_stage|mflow_conv_g)(\d)_b\.0\.(\d)_conv(_relu_varout_dimred)?\.(weight|bias)', _unit),
            Rule(r'adapt_stage(\d)_b2_joint_varout_dimred\.weight',
                 lambda m: f'decode_head.fuse_fine.{_level(m[1])}.weight'),
            Rule(r'mflow_conv_g(\d)_b3_joint_varout_dimred\.weight',
                 lambda m: f'decode_head.fuse_coarse.{_level(m[1]) - 1}.weight'),
            Rule(r'mflow_conv_g(\d)_pool\.0\.(\d)_outvar_dimred\.weight',
                 lambda m: f'decode_head.context.{_level(m[1])}.convs.{int(m[2]) - 1}.weight'),
            Rule(r'clf_conv\.(weight|bias)', r'decode_head.conv_seg.\1'),
        ),
        drops=(Drop(r'fc\.(weight|bias)', 'classifier of the ImageNet trunk'), )),
)
