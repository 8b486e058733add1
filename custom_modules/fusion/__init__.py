from .gated_dual_flow import GatedDualFlowFusion
from .sum import SumFusion

__all__ = [
    'GatedDualFlowFusion',
    'SumFusion',
]
