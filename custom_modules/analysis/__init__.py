"""What a network costs, and what it scored."""
from .cost import Cost, build_segmentor, cost_table, count, environment, measure
from .scores import Scores, read_scores, scores_table
from .short_run import ShortRun, run_short, short_run_table, shorten

__all__ = [
    'Cost', 'Scores', 'ShortRun', 'build_segmentor', 'cost_table', 'count', 'environment', 'measure', 'read_scores',
    'run_short', 'scores_table', 'short_run_table', 'shorten'
]
