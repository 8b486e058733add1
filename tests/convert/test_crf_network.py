"""The released whole network of crfasrnn_pytorch: FCN-8s and its CRF in one file."""
import json
from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmseg.registry import MODELS
from mmseg.structures import SegDataSample

from segfusion.convert import LAYOUTS, ConversionError, choose_layout, convert, strip_wrapper
from tests.references import golden

CONFIGS = Path(__file__).parents[2] / 'configs'
CONFIG = CONFIGS / 'crf_rnn' / 'fcn-8s_vgg16_crfrnn_1xb1-40k_voc12aug-512x512.py'
KEYS = ('spatial_ker_weights', 'bilateral_ker_weights', 'compatibility_matrix')


def build(device='cpu', config=CONFIG, **changes):
    init_default_scope('mmseg')
    cfg = Config.fromfile(config)
    cfg.merge_from_dict({f'model.{k}': v for k, v in changes.items()})
    with torch.device(device):
        return MODELS.build(cfg.model).eval()


@pytest.fixture(scope='module')
def stored():
    return golden.load('crf_fcn8s')


def test_released_file_gives_the_authors_output(stored):
    model = build()
    source, wanted = strip_wrapper(golden.reference_state(stored)), model.state_dict()
    layout = choose_layout(source, wanted, LAYOUTS)
    assert layout.name == 'fcn8s-crfrnn'
    state, report = convert(source, wanted, layout)
    assert {*report.renamed, *report.dropped} == set(source) and set(report.dropped) == {'upscore2.bias'}
    model.load_state_dict(state, strict=True)

    bgr = torch.from_numpy(stored['image'][..., ::-1].copy()).permute(2, 0, 1)
    sample = SegDataSample(metainfo=dict(ori_shape=bgr.shape[1:], img_shape=bgr.shape[1:], pad_shape=bgr.shape[1:]))
    with torch.no_grad():
        result = model.test_step(dict(inputs=[bgr], data_samples=[sample]))[0].seg_logits.data
    step = int(stored['step'])
    expected = torch.from_numpy(stored['output'])[0]
    torch.testing.assert_close(result[:, ::step, ::step], expected, rtol=0, atol=1e-5 * expected.abs().max())
    moved = (expected - torch.from_numpy(stored['unary'])[0]).abs().max()
    assert moved > 0.05 * expected.abs().max()  # the CRF does something


def meta_source(stored):
    return {str(k): torch.empty(s, device='meta') for k, s in zip(stored['keys'], json.loads(str(stored['shapes'])))}


@pytest.mark.parametrize('change, name', [
    (dict(config=CONFIGS / 'fcn_xs' / 'fcn-8s_vgg16_1xb1-100k_camvid-360x480.py', **{'decode_head.num_classes': 21}),
     'fcn8s-of-crfrnn'),
    (dict(), 'fcn8s-crfrnn'),
])
def test_the_model_decides_what_the_whole_file_fills(stored, change, name):
    source, wanted = meta_source(stored), build('meta', **change).state_dict()
    layout = choose_layout(source, wanted, LAYOUTS)
    assert layout.name == name
    state, report = convert(source, wanted, layout)
    assert set(state) == set(wanted) and {*report.renamed, *report.dropped} == set(source)


def test_matrices_alone_and_plain_files_keep_their_layouts(stored):
    source, wanted = meta_source(stored), build('meta').state_dict()
    matrices = {f'crfrnn.{k}': source[f'crfrnn.{k}'] for k in KEYS}
    assert choose_layout(matrices, wanted, LAYOUTS).name == 'crfasrnn-pytorch'
    plain = {k: v for k, v in source.items() if k != 'upscore2.bias' and not k.startswith('crfrnn')}
    assert choose_layout(plain, wanted, LAYOUTS).name == 'fcn8s'
    other = {**{k: v for k, v in wanted.items() if k.startswith('refiner.')}, 'backbone.layer1.weight': torch.zeros(1)}
    assert choose_layout(source, other, LAYOUTS).name == 'crfasrnn-pytorch'


def test_upscore_bias_is_added_where_its_map_is_summed():
    from segfusion.convert.layouts.fcn import fold_upscore_bias
    state = {'upscore2.bias': torch.tensor([1., 2.]), 'score_pool4.bias': torch.tensor([10., 20.])}
    assert fold_upscore_bias(state)['score_pool4.bias'].tolist() == [11, 22]
    assert state['score_pool4.bias'].tolist() == [10, 20]


def test_a_scalar_crf_is_refused_with_the_remedy(stored):
    wanted = build('meta', **{'refiner.weights': 'scalar', 'refiner.learn_compatibility': False}).state_dict()
    source = meta_source(stored)
    with pytest.raises(ConversionError, match="weights='full', learn_compatibility=True"):
        convert(source, wanted, choose_layout(source, wanted, LAYOUTS))


def test_a_plain_file_is_told_to_take_the_config_without_crf(stored):
    wanted = build('meta').state_dict()
    plain = {k: v for k, v in meta_source(stored).items() if k != 'upscore2.bias' and not k.startswith('crfrnn')}
    with pytest.raises(ConversionError, match='The file has no CRF: convert it with the config of the network without'):
        convert(plain, wanted, choose_layout(plain, wanted, LAYOUTS))
