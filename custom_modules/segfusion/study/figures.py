"""Charts as inline SVG: text stays text, colours come from the page's style sheet, and so follow light and dark."""
import math
from dataclasses import dataclass, field
from html import escape
from typing import Dict, List, Optional, Sequence, Tuple

from .statistics import pareto

COLOURS = 8  # --c0 .. --c7 of the style sheet
DASHES = ('', '6 3', '2 3', '9 3 2 3', '1 5')
SHAPES = ('circle', 'square', 'triangle', 'diamond', 'cross')
Point = Tuple[float, float]


@dataclass(frozen=True)
class Look:
    """How one combination is drawn everywhere: colour by its first axis, shape and dash by the second, filled or hollow
    and thick or thin by the third."""
    colour: int = 0
    shape: int = 0
    hollow: bool = False

    @property
    def stroke(self) -> str:
        return f'var(--c{self.colour % COLOURS})'

    @property
    def dash(self) -> str:
        return DASHES[self.shape % len(DASHES)]


def looks(rows: Sequence, axes: Dict[str, Sequence[str]]) -> Dict[str, Look]:
    """The look of every row; axes with a single choice are not spent a look on."""
    varied = [axis for axis, choices in axes.items() if len(choices) > 1]

    def place(row, i):
        return list(axes[varied[i]]).index(row.choices[varied[i]]) if i < len(varied) else 0

    return {row.name: Look(place(row, 0), place(row, 1), bool(place(row, 2) % 2)) for row in rows}


def marker(x: float, y: float, look: Look, size: float = 5.) -> str:
    """The sign of a combination at a point."""
    fill = 'var(--paper)' if look.hollow else look.stroke
    style = f'style="fill:{fill};stroke:{look.stroke};stroke-width:1.8"'
    shape = SHAPES[look.shape % len(SHAPES)]
    if shape == 'circle':
        return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{size}" {style}/>'
    if shape == 'square':
        side = size * 1.8
        return f'<rect x="{x - side / 2:.1f}" y="{y - side / 2:.1f}" width="{side}" height="{side}" {style}/>'
    corners = dict(
        triangle=((0, -1.15), (1.1, .85), (-1.1, .85)),
        diamond=((0, -1.3), (1.3, 0), (0, 1.3), (-1.3, 0)),
        cross=((-1, -.4), (-.4, -.4), (-.4, -1), (.4, -1), (.4, -.4), (1, -.4), (1, .4), (.4, .4), (.4, 1), (-.4, 1),
               (-.4, .4), (-1, .4)))[shape]
    return f'<polygon points="{" ".join(f"{x + a * size:.1f},{y + b * size:.1f}" for a, b in corners)}" {style}/>'


def swatch(look: Look) -> str:
    """Marker on its line, for legends and table rows."""
    return (f'<svg class="swatch" width="30" height="14" viewBox="0 0 30 14" aria-hidden="true"><line x1="1" y1="7" '
            f'x2="29" y2="7" style="stroke:{look.stroke};stroke-width:{1.3 if look.hollow else 2.2};'
            f'stroke-dasharray:{look.dash or "none"}"/>{marker(15, 7, look, 4.)}</svg>')


def ticks(low: float, high: float, about: int = 5) -> List[float]:
    """Round numbers from at most ``low`` to at least ``high``."""
    if high <= low:
        low, high = low - .5, high + .5
    raw = (high - low) / about
    power = 10.**math.floor(math.log10(raw))
    step = power * min((m for m in (1, 2, 2.5, 5, 10) if m * power >= raw * .999), default=10)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [round(i * step, 10) for i in range(first, last + 1)]


def number(value: float) -> str:
    return f'{value:g}'.replace('-', '−')


@dataclass
class Axes:
    """A plotting area with ticks; maps data to pixels."""
    x_ticks: List[float]
    y_ticks: List[float]
    width: int
    height: int
    x_label: str = ''
    y_label: str = ''
    title: str = ''
    left: int = 52
    right: int = 16
    top: int = 26
    bottom: int = 44
    body: List[str] = field(default_factory=list)

    def x(self, value: float) -> float:
        low, high = self.x_ticks[0], self.x_ticks[-1]
        return self.left + (value - low) / (high - low) * (self.width - self.left - self.right)

    def y(self, value: float) -> float:
        low, high = self.y_ticks[0], self.y_ticks[-1]
        return self.height - self.bottom - (value - low) / (high - low) * (self.height - self.top - self.bottom)

    def text(self, x: float, y: float, words: str, cls: str = 'tick', anchor: str = 'middle') -> None:
        self.body.append(f'<text x="{x:.1f}" y="{y:.1f}" class="{cls}" text-anchor="{anchor}">{escape(words)}</text>')

    def line(self, a: Point, b: Point, cls: str = 'grid') -> None:
        self.body.append(f'<line x1="{a[0]:.1f}" y1="{a[1]:.1f}" x2="{b[0]:.1f}" y2="{b[1]:.1f}" class="{cls}"/>')

    def frame(self) -> None:
        bottom = self.height - self.bottom
        for value in self.y_ticks:
            self.line((self.left, self.y(value)), (self.width - self.right, self.y(value)))
            self.text(self.left - 7, self.y(value) + 4, number(value), anchor='end')
        for value in self.x_ticks:
            self.line((self.x(value), bottom), (self.x(value), bottom + 4), 'axis')
            self.text(self.x(value), bottom + 17, number(value))
        self.line((self.left, bottom), (self.width - self.right, bottom), 'axis')
        self.text((self.left + self.width - self.right) / 2, self.height - 6, self.x_label, 'label')
        self.text(self.left - 44, self.top - 10, self.y_label or self.title, 'label', 'start')

    def svg(self, describe: str) -> str:
        return (f'<svg viewBox="0 0 {self.width} {self.height}" role="img" aria-label="{escape(describe)}">'
                + ''.join(self.body) + '</svg>')


def series(name: str, tip: str, inner: str) -> str:
    """What belongs to one combination: highlighted together with its table row."""
    return f'<g class="series" data-row="{escape(name)}"><title>{escape(tip)}</title>{inner}</g>'


def accuracy_against_cost(rows: Sequence, metric: str, cost: str, scale: float, label: str, look: Dict[str, Look],
                          width: int = 460, height: int = 330) -> str:
    """One mark a combination, its spread as a bar, the unbeaten ones joined, the baseline's score as a line."""
    shown = [row for row in rows if metric in row.metrics and cost in row.cost]
    if not shown:
        return ''
    points = [(row.cost[cost] * scale, row.metrics[metric].mean) for row in shown]
    reach = [row.metrics[metric].sd or 0. for row in shown]
    xs = [p[0] for p in points]
    margin = max((max(xs) - min(xs)) * .06, max(xs) * .01)
    plot = Axes(ticks(min(xs) - margin, max(xs) + margin), ticks(*_span(points, reach)), width, height, label, metric)
    plot.frame()
    front = [points[i] for i in pareto(points)]
    if len(front) > 1:
        path = ' '.join(f'{plot.x(x):.1f},{plot.y(y):.1f}' for x, y in front)
        plot.body.append(f'<polyline points="{path}" class="front"/>')
    for row in shown:
        if row.is_baseline:
            y = plot.y(row.metrics[metric].mean)
            plot.line((plot.left, y), (width - plot.right, y), 'baseline')
    places = _labels([(plot.x(x), plot.y(y)) for x, y in points])
    for row, (x, y), sd, (lx, ly, anchor) in zip(shown, points, reach, places):
        bar = ''
        if sd:
            at = f'{plot.x(x):.1f}'
            bar = (f'<line x1="{at}" x2="{at}" y1="{plot.y(y - sd):.1f}" y2="{plot.y(y + sd):.1f}" '
                   f'style="stroke:{look[row.name].stroke};stroke-width:1.5"/>')
        tip = f'{row.number}  {row.name}: {metric} {row.metrics[metric].text()}, {x:.4g} {label}'
        words = f'<text x="{lx:.1f}" y="{ly:.1f}" class="mark" text-anchor="{anchor}">{row.number}</text>'
        plot.body.append(series(row.name, tip, bar + marker(plot.x(x), plot.y(y), look[row.name], 5.5) + words))
    return plot.svg(f'{metric} against {label}')


def _span(points: Sequence[Point], reach: Sequence[float]) -> Point:
    low = min(y - r for (_, y), r in zip(points, reach))
    high = max(y + r for (_, y), r in zip(points, reach))
    pad = max((high - low) * .08, .1)
    return low - pad, high + pad


def _labels(points: Sequence[Point]) -> List[Tuple[float, float, str]]:
    """A free place for the number beside every point: right, left, above or below, the first that hits nothing."""
    taken: List[Point] = list(points)
    places = []
    for x, y in points:
        options = [(x + 9, y + 4, 'start'), (x - 9, y + 4, 'end'), (x, y - 9, 'middle'), (x, y + 18, 'middle'),
                   (x + 8, y - 7, 'start'), (x + 8, y + 15, 'start'), (x - 8, y - 7, 'end'), (x - 8, y + 15, 'end')]

        def middle(option):
            return option[0] + dict(start=5, end=-5, middle=0)[option[2]], option[1] - 4

        def free(option):
            a, b = middle(option)
            return min((max(abs(a - p) / 11, abs(b - q) / 10) for p, q in taken if (p, q) != (x, y)), default=9.)

        best = next((o for o in options if free(o) >= 1), max(options, key=free))
        taken.append(middle(best))
        places.append(best)
    return places


def curves(lines: Sequence[Tuple[object, Sequence[Point]]], label: str, look: Dict[str, Look], width: int = 460,
           height: int = 300, x_label: str = 'iteration') -> str:
    """One line a combination."""
    lines = [(row, [p for p in points if math.isfinite(p[1])]) for row, points in lines]
    lines = [(row, points) for row, points in lines if points]
    if not lines:
        return ''
    ys = sorted(y for _, points in lines for _, y in points)
    low, high = ys[0], ys[-1] if len(ys) < 50 else ys[int(.995 * len(ys))]  # one early spike must not flatten the rest
    plot = Axes(ticks(0, max(p[-1][0] for _, p in lines)), ticks(low, high), width, height, x_label, label)
    plot.frame()
    for row, points in lines:
        style = look[row.name]
        path = ' '.join(f'{plot.x(x):.1f},{max(plot.y(y), plot.top - 4.):.1f}' for x, y in points)
        inner = (f'<polyline points="{path}" style="fill:none;stroke:{style.stroke};stroke-width:'
                 f'{1.3 if style.hollow else 2.};stroke-dasharray:{style.dash or "none"};stroke-linejoin:round"/>')
        if len(points) <= 12:
            inner += ''.join(marker(plot.x(x), plot.y(y), style, 3.2) for x, y in points)
        plot.body.append(series(row.name, f'{row.number}  {row.name}: last {points[-1][1]:.4g}', inner))
    return plot.svg(f'{label} over training')


def class_bars(rows: Sequence, table: str, class_name: str, look: Dict[str, Look], width: int = 226) -> str:
    """One bar a combination for one class, the baseline's as a line through all."""
    shown = [row for row in rows if class_name in row.classes.get(table, {})]
    top = max(v.mean + (v.sd or 0.) for v in (row.classes[table][class_name] for row in shown))
    step, left, head = 13, 22, 22
    height = head + step * len(shown) + 4
    body = [f'<text x="0" y="13" class="label" text-anchor="start">{escape(class_name)}</text>']

    def x(value):
        return left + (width - left - 40) * max(value, 0.) / max(top, 1e-9)

    for i, row in enumerate(shown):
        value, y = row.classes[table][class_name], head + step * i
        fill = look[row.name].stroke
        bar = (f'<text x="{left - 5}" y="{y + 9}" class="tick" text-anchor="end">{row.number}</text>'
               f'<rect x="{left}" y="{y + 1}" width="{max(x(value.mean) - left, .8):.1f}" height="{step - 4}" '
               f'style="fill:{fill};stroke:{fill};fill-opacity:{.25 if look[row.name].hollow else .9}"/>')
        if value.sd:
            middle = y + step / 2 - 1
            bar += (f'<line x1="{x(value.mean - value.sd):.1f}" x2="{x(value.mean + value.sd):.1f}" y1="{middle}" '
                    f'y2="{middle}" class="whisker"/>')
        bar += (f'<text x="{x(value.mean + (value.sd or 0)) + 4:.1f}" y="{y + 9}" class="tick" text-anchor="start">'
                f'{value.mean:.1f}</text>')
        body.append(series(row.name, f'{row.name}: {class_name} {table} {value.text()}', bar))
    base = next((row for row in shown if row.is_baseline), None)
    if base is not None:
        at = x(base.classes[table][class_name].mean)
        body.append(f'<line x1="{at:.1f}" x2="{at:.1f}" y1="{head - 2}" y2="{height - 2}" class="baseline"/>')
    return (f'<svg viewBox="0 0 {width} {height}" role="img" aria-label="{escape(table)} of {escape(class_name)}">'
            + ''.join(body) + '</svg>')


def effect_dots(effects: Sequence, baseline: Dict[str, str], metric: str, width: int = 720) -> str:
    """Every pair of otherwise equal members as a dot, their mean as a bar, zero as a line."""
    shown = [e for e in effects if e.differences]
    if not shown:
        return ''
    reach = max(abs(d) for e in shown for d in e.differences) or 1.
    step = 34
    plot = Axes(ticks(-reach, reach, 8), [0., 1.], width, 30 + step * len(shown) + 44, f'difference of {metric}',
                left=210, right=90, top=16)
    bottom = plot.height - plot.bottom
    for value in plot.x_ticks:
        plot.line((plot.x(value), plot.top), (plot.x(value), bottom), 'axis' if value == 0 else 'grid')
        plot.text(plot.x(value), bottom + 17, number(value))
    plot.text((plot.left + plot.width - plot.right) / 2, plot.height - 6, plot.x_label, 'label')
    axes: Dict[str, int] = {}
    for i, effect in enumerate(shown):
        y, mean = plot.top + step * (i + .6), effect.spread
        colour = f'var(--c{axes.setdefault(effect.axis, len(axes)) % COLOURS})'
        plot.text(plot.left - 10, y + 4, f'{effect.choice} instead of {baseline[effect.axis]}', 'words', 'end')
        for d in effect.differences:
            plot.body.append(f'<circle cx="{plot.x(d):.1f}" cy="{y:.1f}" r="4" style="fill:{colour};fill-opacity:.35">'
                             f'<title>{d:+.2f}</title></circle>')
        plot.body.append(f'<line x1="{plot.x(mean.mean):.1f}" x2="{plot.x(mean.mean):.1f}" y1="{y - 10:.1f}" '
                         f'y2="{y + 10:.1f}" style="stroke:{colour};stroke-width:3.5"/>')
        plot.text(plot.width - plot.right + 8, y + 4, mean.text(signed=True).replace('-', '−'), 'words', 'start')
    return plot.svg(f'what each choice changes in {metric}')


def axes_legend(axes: Dict[str, Sequence[str]]) -> str:
    """Which choice has which colour, shape and filling."""
    varied = [(axis, list(choices)) for axis, choices in axes.items() if len(choices) > 1]
    parts = []
    for position, (axis, choices) in enumerate(varied[:3]):
        items: List[str] = []
        for i, choice in enumerate(choices):
            look: Optional[Look] = [Look(i, 0), Look(-1, i), Look(-1, 0, bool(i % 2))][position]
            drawn = swatch(look).replace('var(--c7)', 'var(--ink)') if position else swatch(look)
            items.append(f'<span class="key">{drawn}{escape(choice)}</span>')
        parts.append(f'<span class="keys"><b>{escape(axis)}</b>{"".join(items)}</span>')
    return f'<p class="legend">{"".join(parts)}</p>' if parts else ''
