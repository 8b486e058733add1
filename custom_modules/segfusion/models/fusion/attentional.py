from typing import Tuple

import torch
import torch.nn.functional as F
from mmcv.cnn import ConvModule
from mmengine.model import BaseModule
from mmseg.registry import MODELS
from torch import Tensor, nn

from ..expose import expose
from .grid import require_one_grid


class _PointwiseAttention(nn.Sequential):
    """Two 1x1 convolutions with a bottleneck; position by position, or of the whole map's average."""

    def __init__(self, channels: int, mid_channels: int, whole: bool, norm_cfg, act_cfg):
        conv = dict(kernel_size=1, bias=True, norm_cfg=norm_cfg)
        super().__init__(
            ConvModule(channels, mid_channels, act_cfg=act_cfg, **conv),
            ConvModule(mid_channels, channels, act_cfg=None, **conv))
        self.whole = whole

    def forward(self, x: Tensor) -> Tensor:
        if not self.whole:
            return super().forward(x)
        try:
            return super().forward(F.adaptive_avg_pool2d(x, 1))  # (N, C, 1, 1)
        except ValueError as error:
            if 'more than 1 value per channel' not in str(error):
                raise
            raise ValueError(
                'attentional fusion normalises one average a sample: in training it expected at least two samples a '
                f'batch-norm group, got {x.shape[0]}. Use batch_size >= 2 a GPU, SyncBN on several GPUs, or a '
                "norm_cfg that does not look at the batch, e.g. dict(type='GN', num_groups=1)") from error


def _attention_pair(channels, mid_channels, norm_cfg, act_cfg) -> Tuple[nn.Module, nn.Module]:
    return (_PointwiseAttention(channels, mid_channels, False, norm_cfg, act_cfg),
            _PointwiseAttention(channels, mid_channels, True, norm_cfg, act_cfg))


@MODELS.register_module()
class AFFusion(BaseModule):
    r"""Choose between two levels by attention of a position and of the whole map (attentional feature fusion, AFF).

    .. math::
        F = s\,\big(M F_{fine} + (1 - M) F_{coarse}\big), \quad
        M = \sigma\big(L(z) + G(pool_1(z))\big), \quad z = F_{fine} + F_{coarse}

    with :math:`L, G` two 1x1 convolutions each, through ``channels // reduction`` channels.

    Paper: `Attentional Feature Fusion <https://arxiv.org/abs/2009.14082>`_.

    Checked against: the equations, in float64 (tests/models/fusion/test_attentional.py), and the parameter counts of
    the authors' modules: 4,576 for 64 channels and 67,456 for 256.

    Differs: the paper has :math:`s = 1`; the authors' PyTorch code multiplies by 2, so that an undecided gate gives the
    sum and not the mean. We default to the code's. A batch of one in training is refused with a sentence: the norm in
    :math:`G` sees one value a channel.

    Exposes ``fine.gate``, how much of the fine level passes.

    Args:
        channels (int): Channels of both levels.
        reduction (int): Bottleneck of the attention. Defaults to 4.
        scale (float): :math:`s`. Defaults to 2.
        norm_cfg (dict, optional): Defaults to BN.
        act_cfg (dict, optional): Defaults to ReLU.

    Raises:
        ValueError: In training, if batch norm gets a single sample.

    Shape:
        - coarse (N, C, H, W), fine (N, C, H, W) -> (N, C, H, W)
    """

    def __init__(self,
                 channels: int,
                 *,
                 reduction: int = 4,
                 scale: float = 2.,
                 norm_cfg=dict(type='BN'),
                 act_cfg=dict(type='ReLU'),
                 init_cfg=None):
        super().__init__(init_cfg)
        self.scale = scale
        self.local_attention, self.global_attention = _attention_pair(
            channels, max(channels // reduction, 1), norm_cfg, act_cfg)

    def forward(self, coarse: Tensor, fine: Tensor) -> Tensor:
        require_one_grid(self, coarse, fine)
        z = fine + coarse
        gate = (self.local_attention(z) + self.global_attention(z)).sigmoid()
        expose(self, **{'fine.gate': gate})
        return self.scale * torch.lerp(coarse, fine, gate.to(fine.dtype))


@MODELS.register_module()
class IterativeAFFusion(BaseModule):
    r"""AFF whose attention looks at a first fusion instead of the sum (iAFF).

    .. math::
        z = M_1(F_{fine} + F_{coarse})\,F_{fine} + (1 - M_1)\,F_{coarse}, \quad
        F = M_2(z)\,F_{fine} + (1 - M_2(z))\,F_{coarse}

    Paper: `Attentional Feature Fusion <https://arxiv.org/abs/2009.14082>`_, Sec. "iterative".

    Checked against: the equations, in float64 (tests/models/fusion/test_attentional.py).

    Differs: the authors' PyTorch code uses the *first* pass's global branch again in the second, and leaves the second
    one it builds without gradient. By default we build and use both, as the paper has it; ``shared_second_pass=True``
    does what the code does, without the dead layers. Neither multiplies by 2 here.

    Exposes ``fine.gate``, how much of the fine level passes.

    Args:
        channels (int): Channels of both levels.
        reduction (int): Bottleneck of the attention. Defaults to 4.
        shared_second_pass (bool): See above. Defaults to False.
        norm_cfg (dict, optional): Defaults to BN.
        act_cfg (dict, optional): Defaults to ReLU.

    Raises:
        ValueError: In training, if batch norm gets a single sample.

    Shape:
        - coarse (N, C, H, W), fine (N, C, H, W) -> (N, C, H, W)
    """

    def __init__(self,
                 channels: int,
                 *,
                 reduction: int = 4,
                 shared_second_pass: bool = False,
                 norm_cfg=dict(type='BN'),
                 act_cfg=dict(type='ReLU'),
                 init_cfg=None):
        super().__init__(init_cfg)
        mid_channels = max(channels // reduction, 1)
        self.shared_second_pass = shared_second_pass
        self.local_attention, self.global_attention = _attention_pair(channels, mid_channels, norm_cfg, act_cfg)
        local, whole = _attention_pair(channels, mid_channels, norm_cfg, act_cfg)
        self.local_attention2 = local
        if not shared_second_pass:
            self.global_attention2 = whole

    def forward(self, coarse: Tensor, fine: Tensor) -> Tensor:
        require_one_grid(self, coarse, fine)
        z = fine + coarse
        gate = (self.local_attention(z) + self.global_attention(z)).sigmoid()
        z = torch.lerp(coarse, fine, gate.to(fine.dtype))
        whole = self.global_attention if self.shared_second_pass else self.global_attention2
        gate = (self.local_attention2(z) + whole(z)).sigmoid()
        expose(self, **{'fine.gate': gate})
        return torch.lerp(coarse, fine, gate.to(fine.dtype))
