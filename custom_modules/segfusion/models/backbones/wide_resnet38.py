from typing import Sequence, Tuple, Union

import torch.utils.checkpoint as cp
from mmcv.cnn import build_activation_layer, build_norm_layer
from mmengine.model import BaseModule
from mmseg.registry import MODELS
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm


class PreActivationBlock(BaseModule):
    """norm-act before every convolution; the shortcut is the raw input, or a projection of its first norm-act."""

    def __init__(self, in_channels: int, channels: Sequence[int], stride: int, dilation: int, dropout: float, norm_cfg,
                 act_cfg, with_cp: bool):
        super().__init__()
        self.with_cp = with_cp
        # Two 3x3, or a bottleneck 1x1, 3x3, 1x1; the stride is always on the first.
        kernels = (3, 3) if len(channels) == 2 else (1, 3, 1)
        self.names = []
        before = in_channels
        for i, (after, kernel) in enumerate(zip(channels, kernels), 1):
            spread = dilation if kernel == 3 else 1
            self.add_module(f'norm{i}', build_norm_layer(norm_cfg, before)[1])
            self.add_module(
                f'conv{i}',
                nn.Conv2d(
                    before,
                    after,
                    kernel,
                    stride=stride if i == 1 else 1,
                    padding=spread * (kernel // 2),
                    dilation=spread,
                    bias=False))
            self.names.append((f'norm{i}', f'conv{i}'))
            before = after
        self.act = build_activation_layer(act_cfg)
        self.dropout = nn.Dropout2d(dropout) if dropout > 0 else nn.Identity()
        self.shortcut = None
        if stride != 1 or in_channels != channels[-1]:
            self.shortcut = nn.Conv2d(in_channels, channels[-1], 1, stride=stride, bias=False)

    def _forward(self, x: Tensor) -> Tensor:
        out = first = self.act(self.norm1(x))
        for i, (norm, conv) in enumerate(self.names):
            if i:
                out = self.act(getattr(self, norm)(out))
            if i == len(self.names) - 1:
                out = self.dropout(out)
            out = getattr(self, conv)(out)
        return out + (x if self.shortcut is None else self.shortcut(first))

    def forward(self, x: Tensor) -> Tensor:
        if self.with_cp and x.requires_grad:
            return cp.checkpoint(self._forward, x, use_reentrant=False)
        return self._forward(x)


@MODELS.register_module()
class WideResNet38(BaseModule):
    r"""A wide, pre-activated residual network of 38 layers, in the A2 form that segmentation uses.

    Levels are the seven modules of the authors: ``mod1`` (64 channels, stride 1), ``mod2`` (128, 2), ``mod3`` (256, 4),
    ``mod4`` (512), ``mod5`` (1024), ``mod6`` (2048), ``mod7`` (4096). With ``output_stride=8`` the last four stay at
    stride 8 and are dilated by 1, 2, 4, 4; without dilation they are at strides 8, 16, 32, 32.

    Paper: `Wider or Deeper <https://arxiv.org/abs/1611.10080>`_; A2 form: `In-Place Activated BatchNorm
    <https://arxiv.org/abs/1712.02616>`_.

    Checked against: lxtGH/DecoupleSegNets, network/wider_resnet.py ``wider_resnet38_a2``, commit bedb8e53.

    Differs: nothing known from that code, which has plain batch norm and ReLU. Mapillary's original has in-place ABN:
    leaky ReLU of slope 0.01 (``act_cfg=dict(type='LeakyReLU', negative_slope=0.01)``) and scale :math:`|w| + 10^{-5}`
    (the converter's business). In-place ABN saves memory, which ``with_cp`` does here. The last norm and the classifier
    are not built: no segmentation head sees them.

    Args:
        out_indices (Sequence[int]): Levels to return, 0 for ``mod1`` to 6 for ``mod7``. Defaults to (1, 4, 6), GFF's.
        output_stride (int): 8 or 32. Defaults to 8.
        base_channels (int): Channels of ``mod1``; the others are 2 to 64 times as many. Defaults to 64.
        with_cp (bool): Recompute blocks in the backward pass to save memory. Defaults to False.
        norm_eval (bool): Keep batch statistics frozen in training. Defaults to False.
        norm_cfg (dict): Defaults to BN.
        act_cfg (dict): Defaults to ReLU.

    Raises:
        ValueError: If ``output_stride`` or ``out_indices`` is out of range.

    Shape:
        - image (N, 3, H, W) -> the chosen levels, fine to coarse
    """

    blocks = (3, 3, 6, 3, 1, 1)  # mod2 to mod7
    widths = ((2, 2), (4, 4), (8, 8), (8, 16), (8, 16, 32), (16, 32, 64))

    def __init__(self,
                 *,
                 out_indices: Sequence[int] = (1, 4, 6),
                 output_stride: int = 8,
                 base_channels: int = 64,
                 with_cp: bool = False,
                 norm_eval: bool = False,
                 norm_cfg: dict = dict(type='BN', requires_grad=True),
                 act_cfg: dict = dict(type='ReLU', inplace=True),
                 init_cfg: Union[dict, Sequence[dict], None] = None):
        super().__init__(init_cfg or [
            dict(type='Kaiming', layer='Conv2d'),
            dict(type='Constant', val=1, layer=['_BatchNorm', 'GroupNorm'])
        ])
        if output_stride not in (8, 32):
            raise ValueError(f'output_stride must be 8 (dilated) or 32, got {output_stride}')
        if not out_indices or not all(0 <= i < 7 for i in out_indices) or list(out_indices) != sorted(set(out_indices)):
            raise ValueError('out_indices must name levels 0 (mod1) to 6 (mod7), fine to coarse, '
                             f'got {list(out_indices)}')
        self.out_indices, self.norm_eval = tuple(out_indices), norm_eval
        dilated = output_stride == 8
        strides = (1, 1, 2, 1, 1, 1) if dilated else (1, 1, 2, 2, 2, 1)
        dilations = (1, 1, 1, 2, 4, 4) if dilated else (1, ) * 6
        dropouts = (0., 0., 0., 0., 0.3, 0.5)
        self.mod1 = nn.Conv2d(3, base_channels, 3, padding=1, bias=False)
        self.pool = nn.MaxPool2d(3, stride=2, padding=1)  # before mod2 and mod3
        channels = base_channels
        # Levels after the last one asked for would be dead weight.
        for i in range(self.out_indices[-1]):
            width = [base_channels * w for w in self.widths[i]]
            blocks = []
            for b in range(self.blocks[i]):
                blocks.append(
                    PreActivationBlock(channels, width, strides[i] if b == 0 else 1, dilations[i], dropouts[i],
                                       norm_cfg, act_cfg, with_cp))
                channels = width[-1]
            self.add_module(f'mod{i + 2}', nn.Sequential(*blocks))

    def forward(self, x: Tensor) -> Tuple[Tensor, ...]:
        x = self.mod1(x)
        levels = [x] if 0 in self.out_indices else []
        for i in range(1, self.out_indices[-1] + 1):
            module = getattr(self, f'mod{i + 1}')
            x = module(self.pool(x) if i <= 2 else x)
            if i in self.out_indices:
                levels.append(x)
        return tuple(levels)

    def train(self, mode: bool = True):
        super().train(mode)
        if mode and self.norm_eval:
            for module in self.modules():
                if isinstance(module, _BatchNorm):
                    module.eval()
        return self
