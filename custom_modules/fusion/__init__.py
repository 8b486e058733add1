from .gate_unit import GateUnitFusion
from .gated_dual_flow import GatedDualFlowFusion
from .sum import SumFusion

__all__ = [
    'GateUnitFusion',
    'GatedDualFlowFusion',
    'SumFusion',
]
