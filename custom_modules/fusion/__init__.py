"""WHERE is each level informative?  ``fusion(coarse, fine) -> merged``.

A fusion expects both levels on the fine grid. One that lines them up itself, because its gate and its alignment share
layers, says so by ``aligns = True`` and is used with ``align=None``.
"""
from .gated_dual_flow import GatedDualFlowFusion
from .sum import SumFusion

__all__ = [
    'GatedDualFlowFusion',
    'SumFusion',
]
