import copy

import pytest
import torch
from mmengine.config import ConfigDict
from mmengine.model import BaseModule
from mmengine.structures import PixelData
from mmseg.models.decode_heads import FCNHead
from mmseg.registry import MODELS
from mmseg.structures import SegDataSample
from torch import nn

MEAN, STD = [123.675, 116.28, 103.53], [58.395, 57.12, 57.375]


@MODELS.register_module(force=True)
class TinyBackbone(BaseModule):
    """One strided convolution."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3, stride=4, padding=1)

    def forward(self, x):
        return (self.conv(x), )


@MODELS.register_module(force=True)
class ImageProbe(nn.Module):
    """A refiner that returns the image, and remembers the sizes it saw."""

    def __init__(self, num_classes):
        super().__init__()
        self.num_classes, self.sizes = num_classes, []

    def forward(self, logits, image):
        assert logits.shape == (len(image), self.num_classes, *image.shape[2:])
        self.sizes.append(tuple(image.shape))
        return image + logits * 0


@MODELS.register_module(force=True)
class TupleHead(FCNHead):
    """Returns two maps in training, as some real-time heads do."""

    def forward(self, inputs):
        logits = super().forward(inputs)
        return (logits, logits) if self.training else logits


def config(refiner='ImageProbe', test_cfg=None, preprocessor=None, **kwargs):
    head = dict(
        type='FCNHead', in_channels=8, in_index=0, channels=4, num_convs=1, concat_input=False, dropout_ratio=0,
        num_classes=3, norm_cfg=dict(type='BN'), align_corners=False,
        loss_decode=dict(type='CrossEntropyLoss', loss_weight=1.0))
    base = dict(
        type='RefinedEncoderDecoder',
        refiner=dict(type=refiner),
        data_preprocessor=dict(
            type='SegDataPreProcessor', mean=MEAN, std=STD, bgr_to_rgb=True, pad_val=0, seg_pad_val=255,
            size_divisor=1, **(preprocessor or {})),
        backbone=dict(type='TinyBackbone'),
        decode_head=head,
        auxiliary_head=dict(head, channels=2),
        test_cfg=ConfigDict(test_cfg or dict(mode='whole')))
    return {**base, **kwargs}


def sample(image, flip=None, **meta):
    """Data sample of a BGR image (3, H, W) as the pipeline packs it."""
    size = tuple(image.shape[1:])
    meta = dict(ori_shape=size, img_shape=size, flip=flip is not None, flip_direction=flip, **meta)
    out = SegDataSample(metainfo=meta)
    out.set_data(dict(gt_sem_seg=PixelData(data=torch.randint(0, 3, (1, *size)))))
    return out


def random_image(height=37, width=45):
    return torch.randint(0, 256, (3, height, width), dtype=torch.uint8)


def predict(model, images, flip=None):
    shown = [i if flip is None else i.flip(2 if flip == 'horizontal' else 1) for i in images]
    data = dict(inputs=shown, data_samples=[sample(i, flip) for i in shown])
    with torch.no_grad():
        return [out.seg_logits.data for out in model.eval().test_step(data)]


SLIDE = dict(mode='slide', crop_size=(16, 20), stride=(11, 13))


@pytest.mark.parametrize('flip', [None, 'horizontal', 'vertical'])
@pytest.mark.parametrize('test_cfg, kwargs', [(dict(mode='whole'), {}), (SLIDE, {}),
                                              (SLIDE, dict(refine_after_slide=True))])
def test_refiner_gets_the_image_of_its_logits(test_cfg, kwargs, flip):
    model = MODELS.build(config(test_cfg=test_cfg, **kwargs))
    images = [random_image(), random_image()]
    for image, out in zip(images, predict(model, images, flip)):
        torch.testing.assert_close(out, image[[2, 1, 0]].float(), atol=1e-4, rtol=0)
    windows = {(2, 3, 16, 20)} if test_cfg is SLIDE and not kwargs else {(2, 3, 37, 45)}
    assert set(model.refiner.sizes) == windows


def test_every_window_of_mmseg_and_no_other():
    stock_cfg = config(test_cfg=SLIDE, type='EncoderDecoder')
    stock_cfg.pop('refiner')
    stock = MODELS.build(stock_cfg).eval()
    ours = MODELS.build(config(refiner='Keep', test_cfg=SLIDE)).eval()
    ours.load_state_dict(stock.state_dict())
    image = random_image(41, 30)
    torch.testing.assert_close(predict(ours, [image])[0], predict(stock, [image])[0])


@MODELS.register_module(force=True)
class Keep(nn.Module):
    """A refiner that keeps the logits."""

    def __init__(self, num_classes):
        super().__init__()

    def forward(self, logits, image):
        return logits


def test_tensor_mode_is_refined_at_the_size_of_the_image():
    model = MODELS.build(config()).eval()
    image = random_image()
    data = model.data_preprocessor(dict(inputs=[image], data_samples=[sample(image)]))
    out = model(data['inputs'], mode='tensor')
    torch.testing.assert_close(out[0], image[[2, 1, 0]].float(), atol=1e-4, rtol=0)
    assert torch.equal(out, out.round())  # integers come back as integers


@pytest.mark.parametrize('preprocessor, order, channels', [
    (dict(bgr_to_rgb=False), 'auto', [2, 1, 0]),
    (dict(bgr_to_rgb=False), 'RGB', [0, 1, 2]),
    (dict(mean=None, std=None), 'auto', [2, 1, 0]),
])
def test_whatever_the_preprocessor_did_is_undone(preprocessor, order, channels):
    cfg = config(image_order=order)
    cfg['data_preprocessor'].update(preprocessor)
    image = random_image()
    out, = predict(MODELS.build(cfg), [image])
    torch.testing.assert_close(out, image[channels].float(), atol=1e-4, rtol=0)


def test_a_refiner_may_get_what_the_network_gets():
    model, image = MODELS.build(config(refiner_image='network')).eval(), random_image()
    data = model.data_preprocessor(dict(inputs=[image], data_samples=[sample(image)]))
    assert torch.equal(model(data['inputs'], mode='tensor'), data['inputs'])


@pytest.mark.parametrize('test_cfg', [dict(mode='whole'), SLIDE])
def test_padding_is_left_out_in_inference(test_cfg):
    model = MODELS.build(config(test_cfg=test_cfg, preprocessor=dict(test_cfg=dict(size_divisor=32))))
    image = random_image(33, 45)
    out, = predict(model, [image])
    torch.testing.assert_close(out, image[[2, 1, 0]].float(), atol=1e-4, rtol=0)
    assert (1, 3, 64, 64) not in model.refiner.sizes
    if test_cfg is SLIDE:  # rows start at 0, 11, 22, 33 (all padding), ..., columns at 0, 13, 26, 39, 44
        heights, widths = (16, 16, 33 - 22), (20, 20, 45 - 26, 45 - 39, 45 - 44)
        assert [s[2:] for s in model.refiner.sizes] == [(h, w) for h in heights for w in widths]
    else:
        assert model.refiner.sizes == [(1, 3, 33, 45)]


def train_data(sizes):
    images = [random_image(*size) for size in sizes]
    return images, dict(inputs=images, data_samples=[sample(i) for i in images])


def test_padding_is_left_out_in_training_and_keeps_its_logits():
    cfg = config()
    cfg['data_preprocessor'].update(size=(40, 48), size_divisor=None)
    model = MODELS.build(cfg).train()
    images, data = train_data([(40, 48), (29, 31), (40, 48)])
    data = model.data_preprocessor(data, training=True)
    seen = {}
    model.decode_head.loss_by_feat = lambda logits, samples: seen.update(logits=logits) or dict(loss_ce=logits.sum())
    losses = model(**data, mode='loss')
    assert sorted(model.refiner.sizes) == [(1, 3, 29, 31), (2, 3, 40, 48)]
    logits = seen['logits']
    for i, image in enumerate(images):
        height, width = image.shape[1:]
        torch.testing.assert_close(
            logits[i, :, :height, :width], image[[2, 1, 0]].float(), atol=1e-4, rtol=0)
    with torch.no_grad():
        unrefined = model._resized(model._logits(model.extract_feat(data['inputs'])), (40, 48))
    torch.testing.assert_close(logits[1, :, 29:], unrefined[1, :, 29:], atol=1e-5, rtol=1e-5)
    losses['decode.loss_ce'].backward()
    assert model.decode_head.conv_seg.weight.grad is not None


def test_losses_are_of_the_refined_logits_plus_the_unary_loss():
    model = MODELS.build(config(refiner='CRFAsRNN', unary_loss_weight=0.4)).train()
    _, data = train_data([(32, 32), (32, 32)])
    data = model.data_preprocessor(data, training=True)
    losses = model(**data, mode='loss')
    features = model.extract_feat(data['inputs'])
    unary = model.decode_head.forward(features)
    plain = model.decode_head.loss_by_feat(unary, data['data_samples'])
    torch.testing.assert_close(losses['decode.unary_loss_ce'], 0.4 * plain['loss_ce'])
    torch.testing.assert_close(losses['decode.unary_acc_seg'], plain['acc_seg'])
    restored = model.restore_image(data['inputs'])
    refined = model.refiner(model._resized(unary, (32, 32)), restored)
    expected = model.decode_head.loss_by_feat(refined, data['data_samples'])['loss_ce']
    torch.testing.assert_close(losses['decode.loss_ce'], expected)
    assert 'aux.loss_ce' in losses
    total, _ = model.parse_losses(losses)
    total.backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None, name


def test_a_stock_checkpoint_lacks_only_the_refiner():
    stock_cfg = config(type='EncoderDecoder')
    stock_cfg.pop('refiner')
    stock = MODELS.build(stock_cfg)
    missing, unexpected = MODELS.build(config(refiner='CRFAsRNN')).load_state_dict(stock.state_dict(), strict=False)
    assert unexpected == [] and missing == ['refiner.spatial_weight', 'refiner.bilateral_weight']


def test_without_pairwise_terms_it_is_the_stock_model():
    stock_cfg = config(type='EncoderDecoder')
    stock_cfg.pop('refiner')
    stock = MODELS.build(stock_cfg).eval()
    cfg = config()
    cfg['refiner'] = dict(type='CRFAsRNN', spatial_weight=0., bilateral_weight=0.)
    ours = MODELS.build(cfg).eval()
    ours.load_state_dict(stock.state_dict(), strict=False)
    image = random_image()
    torch.testing.assert_close(predict(ours, [image])[0], predict(stock, [image])[0])


def test_heads_without_one_logit_map_are_named():
    cfg = config(auxiliary_head=None)
    cfg['decode_head']['type'] = 'TupleHead'
    model = MODELS.build(cfg)
    _, data = train_data([(16, 16), (16, 16)])
    with pytest.raises(TypeError, match='TupleHead.forward to return one logit map .* got tuple in training'):
        model.train()(**model.data_preprocessor(copy.deepcopy(data), training=True), mode='loss')
    predict(model, data['inputs'])  # in evaluation it does return one
    with pytest.raises(TypeError, match='got a list'):
        MODELS.build(config(decode_head=[cfg['decode_head']]))
    with pytest.raises(TypeError, match='derived from BaseDecodeHead, got _NotAHead'):
        MODELS.build(config(decode_head=dict(type='NotAHead')))
    with pytest.raises(ValueError, match='image_order'):
        MODELS.build(config(image_order='rgb'))
    with pytest.raises(ValueError, match="refiner_image 'restored' or 'network'"):
        MODELS.build(config(refiner_image='input'))


@MODELS.register_module(name='NotAHead', force=True)
class _NotAHead(TinyBackbone):
    align_corners, num_classes, out_channels = False, 3, 3
