"""Accuracy against latency of several networks as a picture."""
from dataclasses import dataclass
from typing import List, Sequence

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import LogLocator, NullFormatter, StrMethodFormatter
from matplotlib.transforms import Bbox

OURS, OTHERS = '#c4320a', '#3b4a5a'
SHAPES = dict(val='o', test='s')
# Where a label may stand beside its mark, best first: points to the right and up, and which end is there.
PLACES = ((7, 0, 'left', 'center'), (0, 7, 'center', 'bottom'), (0, -7, 'center', 'top'), (6, 5, 'left', 'bottom'),
          (6, -5, 'left', 'top'), (-7, 0, 'right', 'center'), (-6, 5, 'right', 'bottom'), (-6, -5, 'right', 'top'),
          (0, 16, 'center', 'bottom'), (0, -16, 'center', 'top'), (14, 14, 'left', 'bottom'), (14, -14, 'left', 'top'),
          (-14, 14, 'right', 'bottom'), (-14, -14, 'right', 'top'))


@dataclass(frozen=True)
class Rival:
    """A network: milliseconds as it is and prepared, mIoU (%) on the ``split`` of its source."""
    name: str
    as_is: float
    prepared: float
    miou: float
    split: str = 'val'
    ours: bool = False


def draw_trade_off(rivals: Sequence[Rival], latency: str, accuracy: str) -> Figure:
    """Every network as a line from its latency as it is (hollow) to prepared (filled); ours in colour, with bold names.

    Args:
        rivals: What to draw.
        latency: What the horizontal axis says.
        accuracy: What the vertical axis says.

    Returns:
        Figure: 8 x 5 inches, to be read 800 pixels wide; ``.savefig(path)`` writes it.

    Raises:
        ValueError: If there is nothing to draw, or a split is none of ``SHAPES``.
    """
    unknown = [one.split for one in rivals if one.split not in SHAPES]
    if not rivals or unknown:
        raise ValueError(f'expected networks with a split of {", ".join(SHAPES)}, got {unknown or "no network"}')
    figure = Figure(figsize=(8, 5), dpi=200, layout='constrained')
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    axes.set_xscale('log')
    axes.grid(color='0.9', linewidth=0.6, which='both')
    axes.set_axisbelow(True)
    for one in rivals:
        colour, size = (OURS, 8) if one.ours else (OTHERS, 6)
        style = dict(marker=SHAPES[one.split], color=colour, markeredgecolor=colour, zorder=3 if one.ours else 2)
        axes.plot([one.as_is, one.prepared], [one.miou] * 2, color=colour, alpha=0.5, linewidth=1, zorder=1)
        axes.plot(one.as_is, one.miou, **style, markersize=size - 1.5, markerfacecolor='white', linestyle='')
        axes.plot(one.prepared, one.miou, **style, markersize=size, linestyle='')
    axes.margins(0.1, 0.08)
    axes.set_xlabel(latency)
    axes.set_ylabel(accuracy)
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.xaxis.set_major_formatter(StrMethodFormatter('{x:g}'))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.spines[['top', 'right']].set_visible(False)
    axes.legend(handles=_legend(sorted({one.split for one in rivals}, reverse=True)), loc='lower right', fontsize=8,
                frameon=True, framealpha=1, edgecolor='0.85')
    _write_names(axes, rivals)
    return figure


def _legend(splits: Sequence[str]) -> List[Line2D]:
    def key(label, colour=OTHERS, **style):
        return Line2D([], [], linestyle='', color=colour, markersize=6, label=label, **style)

    keys = [key('as it is', marker='o', markerfacecolor='white'), key('prepared for inference', marker='o')]
    if len(splits) == 1:
        return keys
    return keys + [key(f'mIoU of the {split} split', '0.7', marker=SHAPES[split]) for split in splits]


def _write_names(axes, rivals: Sequence[Rival]) -> None:
    """Each name where it hits no mark, no line and no other name, or as little of them as can be; ours choose first."""
    figure = axes.figure
    figure.draw_without_rendering()  # the layout decides where a point is
    renderer, point = figure.canvas.get_renderer(), figure.dpi / 72
    taken = [axes.get_legend().get_window_extent(renderer)]
    for one in rivals:
        (left, y), (right, _) = sorted(map(tuple, axes.transData.transform(
            [(one.as_is, one.miou), (one.prepared, one.miou)])))
        taken.append(Bbox([(left - 4 * point, y - 4 * point), (right + 4 * point, y + 4 * point)]))
    for one in sorted(rivals, key=lambda one: not one.ours):
        name = axes.annotate(
            one.name, (one.prepared, one.miou), textcoords='offset points', fontsize=9 if one.ours else 8, zorder=4,
            color=OURS if one.ours else OTHERS, fontweight='bold' if one.ours else 'normal')
        name.set_in_layout(False)  # what is measured must not move any more

        def put(place):
            name.set_position(place[:2])
            name.set_ha(place[2])
            name.set_va(place[3])
            return name.get_window_extent(renderer)

        def hidden(place):
            box, inside = put(place), axes.get_window_extent(renderer)
            lost = box.width * box.height - _overlap(box, inside)
            return lost + sum(_overlap(box, other) for other in taken)

        taken.append(put(min(PLACES, key=hidden)))


def _overlap(a: Bbox, b: Bbox) -> float:
    shared = Bbox.intersection(a, b)
    return shared.width * shared.height if shared else 0.
