"""Loss and validation score against iterations, one line a member, as a picture beside the committed results."""
from typing import Dict, Sequence

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from .plan import Member


def draw_curves(members: Sequence[Member], records: Dict[str, dict], metric: str) -> Figure:
    """One colour a combination, one line a seed.

    Args:
        members: Of the study, in its order.
        records: What is known about them by name; who is not in it is not drawn.
        metric: Whose validation curve is drawn.
    """
    figure = Figure(figsize=(9, 3.4), dpi=110, layout='constrained')
    FigureCanvasAgg(figure)
    loss, score = figure.subplots(1, 2)
    groups = list(dict.fromkeys(member.group for member in members if member.name in records))
    for member in members:
        if member.name not in records:
            continue
        record, place = records[member.name], groups.index(member.group)
        first = next(m for m in members if m.group == member.group and m.name in records) is member
        style = dict(color=f'C{place}', lw=1, label=member.group if first else None)
        for axes, curve in ((loss, record['loss']), (score, record['val'].get(metric, []))):
            axes.plot(*zip(*curve), **style, marker='.' if len(curve) < 30 else '') if curve else None
    loss.set(yscale='log', xlabel='iteration', ylabel='training loss')
    score.set(xlabel='iteration', ylabel=f'{metric}, validation (%)')
    for axes in (loss, score):
        axes.grid(color='0.9', lw=0.6, which='both')
        axes.set_axisbelow(True)
    if groups:
        score.legend(fontsize=7, loc='lower right')
    return figure
