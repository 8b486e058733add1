"""What a network costs, and what it scored."""
from .cost import Cost, build_segmentor, cost_table, count, environment, measure
from .scores import Scores, read_scores, scores_table

__all__ = [
    'Cost', 'Scores', 'build_segmentor', 'cost_table', 'count', 'environment', 'measure', 'read_scores', 'scores_table'
]
