from .attentional import AFFusion, IterativeAFFusion
from .duplex_gate import DuplexGateFusion
from .gate_unit import GateUnitFusion
from .gated_dual_flow import GatedDualFlowFusion
from .gated_full import GatedFullFusion
from .sum import SumFusion

__all__ = [
    'AFFusion',
    'DuplexGateFusion',
    'GateUnitFusion',
    'GatedDualFlowFusion',
    'GatedFullFusion',
    'IterativeAFFusion',
    'SumFusion',
]
