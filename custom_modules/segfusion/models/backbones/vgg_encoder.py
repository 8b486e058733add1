"""VGG that hands out any of its maps: pooling indices, unpooled and pooled levels, convolutionalised fc6 and fc7."""
import re
from typing import Dict, List, Optional, Sequence

import torch
import torch.nn.functional as F
from mmcv.cnn import ConvModule
from mmengine.logging import print_log
from mmengine.model import BaseModule, initialize
from mmengine.runner import CheckpointLoader
from mmseg.registry import MODELS
from torch import Tensor, nn

from ...ops import max_pool_with_indices

WIDTHS = (64, 128, 256, 512, 512)
FROM_SCRATCH = [
    dict(type='Kaiming', layer='Conv2d', mode='fan_in'),
    dict(type='Constant', val=1, layer=['_BatchNorm', 'GroupNorm']),
]


@MODELS.register_module()
class VGGEncoder(BaseModule):
    r"""The VGG trunk of FCN, SegNet, DeepLab, the dilated front end and G-FRNet.

    Five stages of 3x3 convolutions (``conv1_1`` ... ``conv5_3``), each followed by a max pooling, then a tail of
    convolutions (``fc6``, ``fc7``) in place of the classifier's fully connected layers. The papers above differ only
    in padding, dilation, what pooling does and which maps they keep, so those are the arguments.

    Paper: `Very Deep Convolutional Networks for Large-Scale Image Recognition <https://arxiv.org/abs/1409.1556>`_.
    Checked against: outputs of FCN-8s, SegNet-Basic's relatives and G-FRNet, see the heads that use it.
    Differs: nothing known; mmpretrain's ``VGG`` has no pooling indices, no padding other than 1 and no pooling other
    than 2x2, hence this one.

    Names in ``outputs``, for stages 1 to 5: ``image`` (the input itself, for heads that crop or unpool to its size),
    ``conv3`` (before the pooling), ``pool3`` (after it), ``indices3`` (the pooling indices, a boolean map on the grid
    of ``conv3``, see :func:`segfusion.ops.max_pool_with_indices`), ``tail`` (the last map).

    Args:
        outputs (Sequence[str]): The maps to return, in this order.
        stage_convs (Sequence[int]): Convolutions of each stage. Defaults to (2, 2, 3, 3, 3), VGG16.
        tail (Sequence[dict]): Keywords of one ``ConvModule`` each, plus ``dropout`` for the element-wise dropout after
            it; ``in_channels`` is known. Defaults to ().
        first_padding (int): Zero padding of ``conv1_1``, in pixels; FCN uses 100. Defaults to 1.
        reflect_padding (int): Reflection padding of the image, in pixels, with all convolutions unpadded (the
            dilated front end uses 186). Defaults to None: no reflection, convolutions padded to keep the grid.
        dilations (Sequence[int]): Dilation of each stage. Defaults to 1 throughout.
        pool_strides (Sequence[int]): Stride of each pooling, 0 for no pooling. Defaults to 2 throughout.
        pool_kernel (int): 2, or 3 with padding 1 as in DeepLab. Defaults to 2.
        ceil_mode (bool): Let poolings round sizes up, as in Caffe. Defaults to True.
        average_pool (bool): A 3x3 average pooling of stride 1 after the fifth pooling, as in DeepLab v1's LargeFOV
            (``pool5a``); ``pool5`` is then its result. Defaults to False.
        pool_dropout (Sequence[float]): Element-wise dropout after each pooling. Defaults to 0 throughout.
        in_channels (int): Channels of the image. Defaults to 3.
        norm_cfg (dict, optional): Defaults to None, as in VGG.
        act_cfg (dict): Defaults to ReLU.
        init_cfg (dict, optional): ``dict(type='Pretrained', checkpoint='torchvision://vgg16')`` (or ``vgg16_bn``)
            fills the convolutions, and fc6 and fc7 if the tail has their shapes; so does a file with Caffe's names
            (conv1_1, fc6). ``in_channels`` must be 3.

    Raises:
        ValueError: If a name in ``outputs`` is unknown, or indices are asked of a pooling other than 2x2 stride 2.

    Shape:
        - image (N, in_channels, H, W) -> one map for each name; ``pool3`` has (256, ceil(H / 8), ceil(W / 8))
    """

    def __init__(self,
                 outputs: Sequence[str] = ('pool1', 'pool2', 'pool3', 'pool4', 'pool5'),
                 stage_convs: Sequence[int] = (2, 2, 3, 3, 3),
                 tail: Sequence[Dict] = (),
                 first_padding: int = 1,
                 reflect_padding: Optional[int] = None,
                 dilations: Sequence[int] = (1, 1, 1, 1, 1),
                 pool_strides: Sequence[int] = (2, 2, 2, 2, 2),
                 pool_kernel: int = 2,
                 ceil_mode: bool = True,
                 average_pool: bool = False,
                 pool_dropout: Sequence[float] = (0, 0, 0, 0, 0),
                 in_channels: int = 3,
                 norm_cfg: Optional[Dict] = None,
                 act_cfg: Dict = dict(type='ReLU'),
                 init_cfg: Optional[Dict] = None):
        super().__init__(init_cfg or FROM_SCRATCH)
        self.outputs = tuple(outputs)
        self.reflect_padding = reflect_padding
        self.pool_kernel, self.pool_strides, self.ceil_mode = pool_kernel, tuple(pool_strides), ceil_mode
        self.average_pool = average_pool
        self._check_outputs()
        self.pool_dropout = nn.ModuleList(nn.Dropout(p) if p else nn.Identity() for p in pool_dropout)
        common = dict(norm_cfg=norm_cfg, act_cfg=act_cfg, bias=True)
        self.stages: List[List[str]] = []
        for stage, (count, width, dilation) in enumerate(zip(stage_convs, WIDTHS, dilations), start=1):
            names = [f'conv{stage}_{i}' for i in range(1, count + 1)]
            for name in names:
                padding = first_padding if name == 'conv1_1' else dilation
                padding = padding if reflect_padding is None else 0
                conv = ConvModule(in_channels, width, 3, padding=padding, dilation=dilation, **common)
                self.add_module(name, conv)
                in_channels = width
            self.stages.append(names)
        self.tail_names = [f'fc{i}' for i in range(6, 6 + len(tail))]
        for name, spec in zip(self.tail_names, tail):
            spec = {**common, **spec}
            dropout = spec.pop('dropout', 0)
            conv = ConvModule(in_channels, **spec)
            in_channels = conv.out_channels
            self.add_module(name, nn.Sequential(conv, nn.Dropout(dropout)) if dropout else nn.Sequential(conv))

    def _check_outputs(self):
        for name in self.outputs:
            if not re.fullmatch(r'image|tail|(conv|pool|indices)[1-5]', name):
                raise ValueError(f'unknown map {name!r} in outputs: expected image, tail, or conv, pool or indices '
                                 'followed by a stage 1 to 5, e.g. "pool4"')
            if name.startswith('indices') and (self.pool_kernel, self.pool_strides[int(name[-1]) - 1]) != (2, 2):
                raise ValueError(f'{name} asked for, but stage {name[-1]} pools with kernel {self.pool_kernel} and '
                                 f'stride {self.pool_strides[int(name[-1]) - 1]}: indices need kernel 2 and stride 2')

    def _pool(self, x: Tensor, stage: int, maps: Dict[str, Tensor]) -> Tensor:
        stride = self.pool_strides[stage - 1]
        if not stride:
            return x
        if f'indices{stage}' in self.outputs:
            x, maps[f'indices{stage}'] = max_pool_with_indices(x)
            return x
        padding = (self.pool_kernel - 1) // 2
        x = F.max_pool2d(x, self.pool_kernel, stride, padding=padding, ceil_mode=self.ceil_mode)
        if self.average_pool and stage == 5:
            x = F.avg_pool2d(x, 3, 1, padding=1)  # Caffe counts the padding, too
        return x

    def forward(self, x: Tensor):
        maps = dict(image=x)
        if self.reflect_padding is not None:
            x = reflect_pad(x, self.reflect_padding)
        for stage, names in enumerate(self.stages, start=1):
            for name in names:
                x = getattr(self, name)(x)
            maps[f'conv{stage}'] = x
            x = self.pool_dropout[stage - 1](self._pool(x, stage, maps))
            maps[f'pool{stage}'] = x
        for name in self.tail_names:
            x = getattr(self, name)(x)
        maps['tail'] = x
        return tuple(maps[name] for name in self.outputs)

    def init_weights(self):
        """Read torchvision's and mmpretrain's names if ``init_cfg`` asks for pretrained weights."""
        if not isinstance(self.init_cfg, dict) or self.init_cfg.get('type') != 'Pretrained':
            return super().init_weights()
        initialize(self, FROM_SCRATCH)  # what the checkpoint does not have
        checkpoint = CheckpointLoader.load_checkpoint(self.init_cfg['checkpoint'], map_location='cpu')
        state = checkpoint.get('state_dict', checkpoint)
        own = self.state_dict()
        state = from_classifier(state, list(own))
        fitting = {k: v for k, v in state.items() if k in own and own[k].shape == v.shape}
        if not any(k.startswith('conv') for k in fitting):
            raise ValueError(f'{self.init_cfg["checkpoint"]} fills no convolution of this VGG: expected keys like '
                             'features.0.weight (torchvision) or conv1_1.conv.weight (ours), and the same stage_convs')
        self.load_state_dict(fitting, strict=False)
        missing = [k for k in own if k not in fitting and not k.endswith('num_batches_tracked')]
        print_log(f'VGGEncoder: {len(fitting)} tensors from {self.init_cfg["checkpoint"]}; '
                  f'left at their initial values: {", ".join(missing) or "none"}', 'current')


def from_classifier(state: Dict[str, Tensor], own: Sequence[str]) -> Dict[str, Tensor]:
    """Rename the keys of a VGG classifier (torchvision, mmpretrain, Caffe) to ours; its fully connected layers become
    kernels."""
    if 'conv1_1.weight' in state:  # Caffe's layer names
        state = {re.sub(r'^(conv\d_\d)\.', r'\1.conv.', re.sub(r'^(fc[67])\.', r'\1.0.conv.', k)): v
                 for k, v in state.items()}
        return {k: _as_kernel(k, v) for k, v in state.items()}
    if not any(k.startswith(('features.', 'backbone.features.')) for k in state):
        return dict(state)
    state = {re.sub(r'^backbone\.', '', k): v for k, v in state.items()}
    # Convolutions in order of their index; a batch norm has the index after its convolution (torchvision) or sits
    # beside it (mmpretrain).
    convs = sorted({int(k.split('.')[1]) for k, v in state.items() if k.startswith('features.') and v.dim() == 4})
    names = [k[:-len('.conv.weight')] for k in own if re.fullmatch(r'conv\d_\d\.conv\.weight', k)]
    places = {f'features.{i}': f'{n}.conv' for i, n in zip(convs, names)}
    places.update({f'features.{i}.conv': f'{n}.conv' for i, n in zip(convs, names)})
    places.update({f'features.{i}.bn': f'{n}.bn' for i, n in zip(convs, names)})
    places.update({f'features.{i + 1}': f'{n}.bn' for i, n in zip(convs, names) if i + 1 not in convs})
    places.update({'classifier.0': 'fc6.0.conv', 'classifier.3': 'fc7.0.conv'})
    renamed = {}
    for key, value in state.items():
        stem, leaf = key.rsplit('.', 1)
        if stem in places:
            new = f'{places[stem]}.{leaf}'
            renamed[new] = _as_kernel(new, value)
    return renamed


def _as_kernel(key: str, value: Tensor) -> Tensor:
    """fc6 has seen a 7x7 map of 512 channels, fc7 a vector."""
    if value.dim() != 2:
        return value
    return value.view(-1, 512, 7, 7) if key.startswith('fc6') else value[:, :, None, None]


def reflect_pad(x: Tensor, margin: int) -> Tensor:
    """Reflect about the border pixels as often as needed; ``F.pad`` refuses margins beyond the image."""
    for dim in (2, 3):
        size = x.shape[dim]
        position = torch.arange(-margin, size + margin, device=x.device)
        period = max(2 * (size - 1), 1)
        position = position.remainder(period)
        position = position.where(position < size, period - position)
        x = x.index_select(dim, position)
    return x
