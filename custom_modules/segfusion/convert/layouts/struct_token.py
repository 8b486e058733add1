"""StructToken, the authors' checkpoints: our names are theirs."""
from ..engine import Drop, Layout, Rule

LAYOUTS = (
    Layout(
        name='structtoken',
        source='RockeyCoss/StructToken 2611e2d4',
        signature=(r'decode_head\.kernels', r'decode_head\.residual_block\.conv1\.weight'),
        target_signature=(r'decode_head\.kernels', r'decode_head\.residual_block\.conv1\.weight'),
        rules=(Rule(r'((?:backbone|decode_head)\..*)', r'\1'), ),
        drops=(Drop(r'auxiliary_head\..*', 'auxiliary head, used in training only'), )),
)
