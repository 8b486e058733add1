"""What a network costs."""
from .cost import Cost, build_segmentor, cost_table, count, environment, measure

__all__ = ['Cost', 'build_segmentor', 'cost_table', 'count', 'environment', 'measure']
