"""FCN-32s, 16s, 8s and 8s-at-once: the authors' Caffe layer names, which the PyTorch ports and CRF-as-RNN keep."""
from ..engine import Drop, Layout, Rule
from .crf_rnn import PYTORCH_RULES, refuse_other_forms

TRUNK = (
    Rule(r'conv(\d)_(\d)\.(weight|bias)', r'backbone.conv\1_\2.conv.\3'),
    Rule(r'fc([67])\.(weight|bias)', r'backbone.fc\1.0.conv.\2'),
    Rule(r'score_fr\.(weight|bias)', r'decode_head.conv_seg.\1'),
)
FCN8S = (
    *TRUNK,
    Rule(r'score_pool3\.(weight|bias)', r'decode_head.scores.0.\1'),
    Rule(r'score_pool4\.(weight|bias)', r'decode_head.scores.1.\1'),
    Rule(r'upscore2\.weight', 'decode_head.upsample_skips.1.weight'),
    Rule(r'upscore_pool4\.weight', 'decode_head.upsample_skips.0.weight'),
    Rule(r'upscore8\.weight', 'decode_head.upsample_image.weight'),
)
FCN8S_SIGNATURE = (r'upscore8\.weight', r'score_pool3\.weight')
SOURCE = 'shelhamer/fcn.berkeleyvision.org, wkentaro/pytorch-fcn 4b988509'
CRF_SOURCE = 'sadeepj/crfasrnn_pytorch 24899c52, CrfRnnNet'
CRF = r'crfrnn\..*'


def fold_upscore_bias(state):
    """Their ``upscore2`` has a bias, which reaches the very sum that ``score_pool4``'s does."""
    if not {'upscore2.bias', 'score_pool4.bias'} <= set(state):
        return state
    return {**state, 'score_pool4.bias': state['score_pool4.bias'] + state['upscore2.bias']}


FOLDED = Drop(r'upscore2\.bias', 'added to score_pool4.bias, which it is summed with')


LAYOUTS = (
    Layout(
        name='fcn8s',
        source=SOURCE,
        signature=FCN8S_SIGNATURE,
        signature_absent=(CRF, ),
        target_signature=(r'decode_head\.scores\.1\.weight', ),
        rules=FCN8S),
    Layout(
        name='fcn8s-crfrnn',
        source=CRF_SOURCE,
        signature=(*FCN8S_SIGNATURE, CRF),
        target_signature=(r'decode_head\.scores\.1\.weight', r'refiner\.spatial_weight'),
        rules=(*FCN8S, *PYTORCH_RULES),
        drops=(FOLDED, ),
        prepare=fold_upscore_bias,
        refuse=refuse_other_forms,
        note="the released network sees BGR less its mean, and so does its CRF: refiner_image='network'"),
    Layout(
        name='fcn8s-of-crfrnn',
        source=CRF_SOURCE,
        signature=(*FCN8S_SIGNATURE, CRF),
        target_signature=(r'decode_head\.scores\.1\.weight', ),
        target_absent=(r'refiner\..*', ),
        rules=FCN8S,
        drops=(FOLDED, Drop(CRF, 'the CRF, which this config does not have')),
        prepare=fold_upscore_bias),
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
