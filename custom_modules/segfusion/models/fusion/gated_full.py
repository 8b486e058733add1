from typing import Dict, List, Optional, Sequence, Tuple, Union

from mmengine.model import BaseModule
from mmseg.models.utils import resize
from mmseg.registry import MODELS
from torch import Tensor, nn

from ...portable import portable
from ..expose import expose
from .duplex_gate import duplex, gate_width


@MODELS.register_module()
class GatedFullFusion(BaseModule):
    r"""Let every level send to every other, through the sender's gate and the receiver's (GFF).

    .. math::
        \tilde X_l = (1 + G_l)\,X_l + (1 - G_l) \sum_{i \ne l} resize_l(G_i X_i), \quad G_l = \sigma(w_l * X_l + b_l)

    Each level is gated once, on its own grid. Messages that lie on the same grid are added before they are resized:
    resizing is linear, so the sum is the same, and of three levels at one stride only one map is resized.

    With ``update='sequential'`` the levels are updated from fine to coarse, and the later ones hear the earlier ones'
    *updated* maps, :math:`G_i \tilde X_i` for :math:`i < l`.

    Paper: `Gated Fully Fusion for Semantic Segmentation <https://arxiv.org/abs/1904.01803>`_.

    Checked against: lxtGH/DecoupleSegNets, network/gffnets.py ``WiderResNetGFFDFPHead``, commit bedb8e53
    (``gate_channels='channels', update='sequential'``).

    Differs: the paper has one gate channel and updates all levels at once (the defaults). The released code has as many
    gate channels as the level, computes gates from the levels *before* they are reduced to ``channels`` (``guides``),
    and updates one level after the other because it overwrites the variables. Both go down in scale by bilinear
    resizing without low-pass filter, as we do.

    Exposes ``level1.gate`` (the finest) to ``levelL.gate``.

    Args:
        channels (int): Channels of every level.
        num_levels (int): How many levels; the head passes it.
        align_corners (bool): Corner convention of the resizes. The released code uses True.
        gate_channels (int | str): 1 or ``'channels'``. Defaults to 1.
        update (str): ``'parallel'`` or ``'sequential'``. Defaults to ``'parallel'``.
        gate_in_channels (Sequence[int], optional): Channels of the maps that gates are computed from. Defaults to
            ``channels`` for every level.

    Raises:
        ValueError: If an option is unknown or the number of levels is not ``num_levels``.

    Shape:
        - levels L x (N, C, H_l, W_l) fine to coarse, guides L x (N, gate_in_channels[l], H_l, W_l)
          -> L x (N, C, H_l, W_l)
    """

    all_levels = True

    def __init__(self,
                 channels: int,
                 *,
                 align_corners: bool,
                 num_levels: Optional[int] = None,
                 gate_channels: Union[int, str] = 1,
                 update: str = 'parallel',
                 gate_in_channels: Optional[Sequence[int]] = None,
                 init_cfg=None):
        super().__init__(init_cfg)
        if num_levels is None:
            raise ValueError('GatedFullFusion fuses all levels at once and needs num_levels, which GFFHead passes; in '
                             'a head that fuses two levels at a time (TopDownHead, SFNetHead) use DuplexGateFusion')
        if update not in ('parallel', 'sequential'):
            raise ValueError(f"update must be 'parallel' or 'sequential', got {update!r}")
        guides = [channels] * num_levels if gate_in_channels is None else list(gate_in_channels)
        if len(guides) != num_levels:
            raise ValueError(f'gate_in_channels needs one entry a level: expected {num_levels}, got {guides}')
        self.align_corners, self.update = align_corners, update
        width = gate_width(gate_channels, channels)
        self.gate_convs = nn.ModuleList(nn.Conv2d(c, width, 1) for c in guides)

    def gates(self, guides: Sequence[Tensor]) -> List[Tensor]:
        """One map in (0, 1) a level, (N, C or 1, H_l, W_l)."""
        return [conv(guide).sigmoid() for conv, guide in zip(self.gate_convs, guides)]

    def forward(self,
                levels: Sequence[Tensor],
                guides: Optional[Sequence[Tensor]] = None,
                aligns: Optional[Sequence[nn.Module]] = None) -> List[Tensor]:
        """Fuse; ``aligns``, a part for each level but the last, brings it what coarser levels send."""
        guides = levels if guides is None else guides
        if len(levels) != len(self.gate_convs) or len(guides) != len(levels):
            raise ValueError(f'GatedFullFusion was built for {len(self.gate_convs)} levels, got {len(levels)} levels '
                             f'and {len(guides)} guides')
        gates = self.gates(guides)
        expose(self, **{f'level{i}.gate': gate for i, gate in enumerate(gates, 1)})
        messages = [gate * level for gate, level in zip(gates, levels)]
        fused, resized = [], {}
        for i, (level, gate) in enumerate(zip(levels, gates)):
            if aligns is None or i == len(levels) - 1:
                total = self._sum(messages, i, level.shape[2:], resized)
            else:
                # Their own sum first, on the finest of their grids: one map to align, whatever their number.
                coarse = self._sum(messages[i + 1:], None, messages[i + 1].shape[2:], {})
                total, level = aligns[i](coarse, level)
                if i:
                    total = total + self._sum(messages[:i], None, level.shape[2:], {})
            fused.append(duplex(level, total, gate))
            if self.update == 'sequential' and i < len(levels) - 1:
                messages[i], resized = gate * fused[i], {}
        return fused

    def _sum(self, messages: Sequence[Tensor], skip: Optional[int], size: Tuple[int, int],
             resized: Dict[Tuple, Tensor]) -> Tensor:
        """The sum of all messages but one, on a grid; ``resized`` remembers what other levels have asked for."""
        if portable():  # sizes may be symbols there, which no dictionary takes as keys
            return sum(self._resized(message, size) for i, message in enumerate(messages) if i != skip)
        grids = {}
        for i, message in enumerate(messages):
            grids.setdefault(tuple(message.shape[2:]), []).append(i)
        total = None
        for grid, members in grids.items():
            key = (grid, tuple(size))
            if key in resized:
                part = resized[key]
            else:
                senders = [messages[i] for i in members if i != skip]
                if not senders:
                    continue
                part = senders[0]
                for message in senders[1:]:
                    part = part + message
                if grid != tuple(size):
                    part = resized[key] = self._resized(part, size)
            total = part if total is None else total + part
        return total

    def _resized(self, x: Tensor, size: Tuple[int, int]) -> Tensor:
        if x.shape[2:] == size:
            return x
        return resize(x, size=size, mode='bilinear', align_corners=self.align_corners, warning=False)
