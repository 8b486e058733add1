"""G-FRNet, Caffe blobs exported by layer name (models/camvid of mrochan/gfrnet)."""
import torch

from ..engine import Layout, Rule

LEAF = r'(weight|bias|running_mean|running_var)'


def _stage(number):
    """Stages count from the coarsest encoder map (2) to the finest (6); our levels from the finest (0)."""
    return 6 - int(number)


def _swap_halves(weight):
    first, second = weight.chunk(2, dim=1)
    return torch.cat([second, first], dim=1)


LAYOUTS = (
    Layout(
        name='gfrnet-caffe',
        source='mrochan/gfrnet e7fa63e8, models/camvid/test_camvid_gate.prototxt',
        signature=(r'gate_s2_bn\.weight', r'conv5_3_feature_s2\.weight', r'prediction\.weight'),
        target_signature=(r'decode_head\.gates\.4\.norm\.weight', r'backbone\.fc7\.0\.conv\.weight'),
        rules=(
            Rule(r'conv(\d)_(\d)\.(weight|bias)', r'backbone.conv\1_\2.conv.\3'),
            Rule(rf'conv(\d)_(\d)_bn\.{LEAF}', r'backbone.conv\1_\2.bn.\3'),
            Rule(r'conv([67])\.(weight|bias)', r'backbone.fc\1.0.conv.\2'),
            Rule(rf'conv([67])_bn\.{LEAF}', r'backbone.fc\1.0.bn.\2'),
            Rule(r'pred_1\.(weight|bias)', r'decode_head.first_pred.\1'),
            Rule(r'pool5_feature_s2\.(weight|bias)', r'decode_head.pooled_conv.\1'),
            Rule(r'conv\d_\d_feature_s(\d)\.(weight|bias)',
                 lambda m: f'decode_head.lateral_convs.{_stage(m[1])}.conv.{m[2]}'),
            Rule(rf'conv\d_\d_feature_s(\d)_bn\.{LEAF}',
                 lambda m: f'decode_head.lateral_convs.{_stage(m[1])}.bn.{m[2]}'),
            Rule(rf'gate_s(\d)_bn\.{LEAF}', lambda m: f'decode_head.gates.{_stage(m[1])}.norm.{m[2]}'),
            # Stage 5 alone has the prediction before the gate.
            Rule(r'pred_5\.weight', 'decode_head.preds.1.weight', _swap_halves),
            Rule(r'pred_(\d)\.(weight|bias)', lambda m: f'decode_head.preds.{_stage(m[1])}.{m[2]}'),
            Rule(r'prediction\.(weight|bias)', r'decode_head.preds.0.\1'),
        )),
)
