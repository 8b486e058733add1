"""WHERE is each level informative?  ``fusion(coarse, fine) -> merged``.

A fusion expects both levels on the fine grid. One that lines them up itself, because its gate and its alignment share
layers, says so by ``aligns = True`` and is used with ``align=None``. :class:`GatedFullFusion` fuses all levels at once
and says so by ``all_levels = True``.
"""
from .attentional import AFFusion, IterativeAFFusion
from .duplex_gate import DuplexGateFusion
from .gate_unit import GateUnitFusion
from .gated_dual_flow import GatedDualFlowFusion
from .gated_full import GatedFullFusion
from .shape_gate import ShapeGateFusion
from .sum import SumFusion

__all__ = [
    'AFFusion',
    'DuplexGateFusion',
    'GateUnitFusion',
    'GatedDualFlowFusion',
    'GatedFullFusion',
    'IterativeAFFusion',
    'ShapeGateFusion',
    'SumFusion',
]
