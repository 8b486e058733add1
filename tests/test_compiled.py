"""CCNet, PointRend and MaskFormer, which need compiled operators or mmdetection; elsewhere all of this is skipped."""
import copy
import types
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from mmengine.config import Config
from mmengine.structures import PixelData
from mmseg.registry import MODELS
from mmseg.structures import SegDataSample

from segfusion.datasets.audit import heads_of
from segfusion.diagnosis.cost import logits
from segfusion.diagnosis.network import describe_network
from tests.optional import needs_mmdet, needs_ops
from tests.references.criss_cross import criss_cross_attention

CONFIGS = Path(__file__).parents[1] / 'configs'
CCNET = CONFIGS / 'ccnet' / 'ccnet_r50-d8_1xb8-20k-scratch_camvid-360x480.py'
POINTREND = CONFIGS / 'point_rend' / 'pointrend_r50_1xb8-20k-scratch_camvid-360x480.py'
MASKFORMER = CONFIGS / 'maskformer' / 'maskformer_r50-d32_1xb8-20k-scratch_camvid-360x480.py'


def model_config(path, **changes):
    """The model of a config on ResNet-18, for speed."""
    model = copy.deepcopy(Config.fromfile(path).model)
    model.data_preprocessor.pop('size')
    model.backbone.depth = 18
    readers = [model.neck] if 'neck' in model else [model.decode_head, model.get('auxiliary_head')]
    for reader in filter(None, readers):
        channels = reader.in_channels  # of a bottleneck, four times those of ResNet-18
        reader.in_channels = channels // 4 if isinstance(channels, int) else [c // 4 for c in channels]
    model.update(changes)
    return model


def build(path, **changes):
    return MODELS.build(model_config(path, **changes)).eval()


def meta(*size):
    return dict(img_shape=size, ori_shape=size, pad_shape=size)


@needs_ops
def test_criss_cross_attention_is_the_papers():
    """Of the layer CCNet's head is built with, on a map that is not square, against a loop over positions."""
    attention = build(CCNET).decode_head.cca.double()
    torch.nn.init.constant_(attention.gamma.scale, 0.7)  # 0 at the start, which hides everything else
    x = torch.randn(2, 512, 3, 5, dtype=torch.float64)
    with torch.no_grad():
        query, key, value = attention.query_conv(x), attention.key_conv(x), attention.value_conv(x)
        torch.testing.assert_close(attention(x), 0.7 * criss_cross_attention(query, key, value) + x)


@needs_ops
@pytest.mark.parametrize('recurrence, reached', [(1, 4 + 6 - 1), (2, 4 * 6)])
def test_two_passes_see_the_whole_scene_and_one_sees_a_cross(recurrence, reached):
    attention = build(CCNET).decode_head.cca.double()
    torch.nn.init.constant_(attention.gamma.scale, 1.)
    x = torch.randn(1, 512, 4, 6, dtype=torch.float64, requires_grad=True)
    out = x
    for _ in range(recurrence):
        out = attention(out)
    out[:, :, 1, 2].sum().backward()
    assert int((x.grad.abs().sum((0, 1)) > 0).sum()) == reached


@needs_ops
def test_pointrend_is_resized_semantic_fpn_but_for_the_points_it_picks():
    model = build(POINTREND)
    model.test_cfg.subdivision_num_points = 1
    torch.nn.init.constant_(model.decode_head[1].fc_seg.bias, 5.)
    image = torch.randn(1, 3, 64, 96)
    with torch.no_grad():
        coarse = model.decode_head[0](model.extract_feat(image))
        expected = coarse
        for _ in range(2):
            expected = F.interpolate(expected, scale_factor=2, mode='bilinear', align_corners=False)
        changed = (model.encode_decode(image, [meta(64, 96)]) - expected).abs().amax((0, 1)) > 1e-3
    # one pixel of the first doubling, which the second spreads over 4 by 4 of its own (fewer at a border), and one more
    assert 4 <= int(changed.sum()) <= 4 * 4 + 1


@needs_ops
def test_pointrend_with_all_points_is_its_point_head_at_every_pixel():
    model = build(POINTREND)
    image = torch.randn(1, 3, 32, 48)
    model.test_cfg.update(subdivision_num_points=32 * 48)
    y, x = torch.meshgrid((torch.arange(32) + 0.5) / 32, (torch.arange(48) + 0.5) / 48, indexing='ij')
    grid = torch.stack([x, y], -1)[None] * 2 - 1
    head = model.decode_head[1]
    with torch.no_grad():
        levels = model.extract_feat(image)
        fine, coarse = levels[0], model.decode_head[0](levels)
        sampled = [F.grid_sample(m, grid, align_corners=False).flatten(2) for m in (fine, coarse)]
        expected = head(*sampled).unflatten(2, (32, 48))
        torch.testing.assert_close(model.encode_decode(image, [meta(32, 48)]), expected)
        torch.testing.assert_close(logits(model, image), expected)


@needs_ops
def test_pointrend_learns_at_uncertain_points_and_only_there():
    """Three quarters of the points are the most uncertain of a threefold random draw."""
    head = build(POINTREND).decode_head[1]
    sure = torch.zeros(1, 11, 8, 8)
    sure[:, 0] = 9.
    sure[:, 0, :, 4:] = 0.  # the right half cannot be told apart
    config = types.SimpleNamespace(num_points=400, oversample_ratio=3, importance_sample_ratio=0.75)
    points = head.get_points_train(sure, lambda map_: -(map_.topk(2, 1)[0][:, 0] - map_.topk(2, 1)[0][:, 1])[:, None],
                                   config)
    assert points.shape == (1, 400, 2) and (points[0, :300, 0] > 0.5 - 1 / 16).all()
    assert 0.3 < (points[0, 300:, 0] < 0.5).float().mean() < 0.7


@needs_ops
def test_ccnet_takes_a_refiner_and_a_cascade_does_not():
    refiner = dict(type='CRFAsRNN', iterations=1)
    model = build(CCNET, type='RefinedEncoderDecoder', refiner=refiner)
    plain = build(CCNET)
    assert not plain.load_state_dict(model.state_dict(), strict=False).missing_keys
    image = torch.randn(1, 3, 33, 49)
    with torch.no_grad():
        refined = model.encode_decode(image, [meta(33, 49)])
        expected = model.refine(plain.encode_decode(image, [meta(33, 49)]), image)
    torch.testing.assert_close(refined, expected)
    with pytest.raises(TypeError, match='a cascade has no single logit map'):
        build(POINTREND, type='RefinedEncoderDecoder', refiner=refiner)


@needs_mmdet
def test_maskformer_takes_no_refiner():
    with pytest.raises(TypeError, match='got MaskFormerHead, whose output is not one logit map a pixel'):
        build(MASKFORMER, type='RefinedEncoderDecoder', refiner=dict(type='CRFAsRNN'))


@needs_mmdet
def test_maskformer_sums_masks_by_their_classes():
    """Semantic inference of the paper, sum over queries of p(class) times mask, against a loop."""
    model = build(MASKFORMER)
    image = torch.randn(1, 3, 64, 96)
    with torch.no_grad():
        levels = model.extract_feat(image)
        sample = SegDataSample(metainfo=dict(meta(64, 96), batch_input_shape=(64, 96)))
        classes, masks = (out[-1][0] for out in model.decode_head(levels, [sample]))  # (100, 12), (100, 16, 24)
        masks = F.interpolate(masks[None], (64, 96), mode='bilinear', align_corners=False)[0]
        expected = torch.zeros(11, 64, 96, dtype=torch.float64)
        for scores, mask in zip(classes.double(), masks.double()):
            expected += scores.softmax(0)[:11, None, None] * mask.sigmoid()
        got = model.encode_decode(image, [meta(64, 96)])[0]
    torch.testing.assert_close(got.double(), expected, atol=1e-5, rtol=1e-5)


@needs_mmdet
def test_maskformer_is_taught_one_mask_a_class_and_no_void():
    head = build(MASKFORMER).decode_head
    label = torch.full((1, 4, 6), 255)
    label[:, :2, :3], label[:, 3] = 7, 2
    (target, ), _ = head._seg_data_to_instance_data(
        [SegDataSample(gt_sem_seg=PixelData(data=label), metainfo=meta(4, 6))])
    assert target.labels.tolist() == [2, 7] and target.masks.flatten(1).sum(1).tolist() == [6, 6]


@needs_mmdet
def test_the_audit_knows_heads_that_predict_masks():
    (head, ) = heads_of(build(MASKFORMER))
    assert (head.name, head.num_classes, head.ignore_index, head.class_weights) == ('decode_head', 11, 255, None)
    odd = model_config(MASKFORMER)
    odd.decode_head.loss_cls.class_weight = [1.] * 19 + [.1]
    assert heads_of(MODELS.build(odd))[0].class_weights == 19


@needs_ops
def test_explained_levels_of_a_cascade():
    net = describe_network(Config(dict(model=model_config(POINTREND))), (64, 96))
    assert [level.readers for level in net.levels] == [['decode_head[0]', 'decode_head[1]']] + 3 * [['decode_head[0]']]
    assert net.problems == []
    assert [(p.slot, p.name) for p in describe_network(Config(dict(model=model_config(CCNET))), (64, 96)).parts] == [
        ('context', 'CrissCrossAttention')]
