from typing import Union

import torch
from mmengine.model import BaseModule
from mmseg.registry import MODELS
from torch import Tensor, nn

from ..expose import expose
from .grid import require_one_grid


def duplex(x: Tensor, message: Tensor, gate: Tensor) -> Tensor:
    r"""What a level keeps and what it takes in: :math:`(1 + G)\,x + (1 - G)\,m`, as :math:`x + lerp(m, x, G)`.

    Args:
        x: The level, (N, C, H, W).
        message: What the other levels send, (N, C, H, W).
        gate: The level's own gate in (0, 1), (N, C or 1, H, W).
    """
    return x + torch.lerp(message.to(x.dtype), x, gate.to(x.dtype))


def gate_width(gate_channels: Union[int, str], channels: int) -> int:
    """Channels of a gate: 1, or those of the level.

    Raises:
        ValueError: If ``gate_channels`` is neither 1 nor ``'channels'``.
    """
    if gate_channels not in (1, 'channels') or gate_channels is True:
        raise ValueError(f"gate_channels must be 1 (one gate a position) or 'channels' (one gate a channel as well), "
                         f'got {gate_channels!r}')
    return 1 if gate_channels == 1 else channels


@MODELS.register_module()
class DuplexGateFusion(BaseModule):
    r"""Gate what the coarse level sends and what the fine level takes in (GFF's gates, for two levels).

    .. math::
        F = (1 + G_f)\,F_{fine} + (1 - G_f)\,G_c\,F_{coarse}, \quad G = \sigma(W * F + b)

    A position is passed on only if the sender finds it useful (:math:`G_c`) and the receiver does not know it already
    (:math:`1 - G_f`).

    Paper: `Gated Fully Fusion for Semantic Segmentation <https://arxiv.org/abs/1904.01803>`_, for two levels;
    :class:`GatedFullFusion` is the form for all of them.

    Checked against: lxtGH/DecoupleSegNets, network/nn/operators.py ``conv_sigmoid``, commit bedb8e53.

    Differs: the coarse gate is computed after the alignment, so that any aligner can stand before it; GFF gates first
    and resizes the product.

    Exposes ``coarse.gate`` and ``fine.gate``.

    Args:
        channels (int): Channels of both levels.
        gate_channels (int | str): 1 for one gate a position (the paper's), ``'channels'`` for one a channel (the
            released code's). Defaults to 1.

    Raises:
        ValueError: If ``gate_channels`` is neither, or the levels are not on one grid.

    Shape:
        - coarse (N, C, H, W), fine (N, C, H, W) -> (N, C, H, W)
    """

    def __init__(self,
                 channels: int,
                 *,
                 gate_channels: Union[int, str] = 1,
                 init_cfg=None):
        super().__init__(init_cfg)
        width = gate_width(gate_channels, channels)
        self.coarse_gate = nn.Conv2d(channels, width, 1)
        self.fine_gate = nn.Conv2d(channels, width, 1)

    def forward(self, coarse: Tensor, fine: Tensor) -> Tensor:
        require_one_grid(self, coarse, fine)
        coarse_gate, fine_gate = self.coarse_gate(coarse).sigmoid(), self.fine_gate(fine).sigmoid()
        expose(self, **{'coarse.gate': coarse_gate, 'fine.gate': fine_gate})
        return duplex(fine, coarse_gate * coarse, fine_gate)
