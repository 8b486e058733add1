"""The report as one page that needs nothing else: charts are inline SVG, images are inside."""
from html import escape
from typing import Dict, List, Optional

from ..version import __version__
from .examples import Gallery
from .figures import accuracy_against_cost, axes_legend, class_bars, curves, effect_dots, looks, swatch
from .gallery import gallery_html
from .page_style import SCRIPT, STYLE
from .progress import duration
from .report_markdown import cost_cell, cost_columns
from .statistics import Spread, mean_curve
from .summary import Row, Summary

CROPS = ('Images spread evenly over the test set; the crop is the window in which the truth has most boundary pixels, '
         'chosen without looking at predictions. What a prediction has right is pale, what it has wrong in the colour '
         'of the wrong class; black lines are the boundaries of the truth, grey is unlabelled.')


def html_page(summary: Summary, gallery: Optional[Gallery] = None) -> str:
    s, look = summary, looks(summary.rows, summary.axes)
    body = [_head(s), _tiles(s), _notes(s), '<h2>Results</h2>', axes_legend(s.axes), _table(s, look), _reading(s)]
    body += _charts(s, look) + _effects(s) + _classes(s, look) + _learning(s, look)
    if gallery is not None and gallery.examples:
        body += ['<h2>At the boundaries</h2>', f'<p class="soft">{CROPS}</p>', gallery_html(s, gallery)]
    body += [_troubles(s), _more_metrics(s), _made_with(s)]
    lines = ['<!DOCTYPE html>', '<html lang="en">', '<head>', '<meta charset="utf-8">',
             '<meta name="viewport" content="width=device-width, initial-scale=1">',
             f'<title>{escape(s.title)}</title>',
             f'<style>{STYLE}</style>', '</head>', '<body>', '<main>', *filter(None, body), '</main>',
             f'<script>{SCRIPT}</script>', '</body>', '</html>', '']
    return '\n'.join(lines)


def _head(s: Summary) -> str:
    return f'<h1>{escape(s.title)}</h1>' + (f'<p class="lead">{escape(s.question)}</p>' if s.question else '')


def _tiles(s: Summary) -> str:
    scored = [row for row in s.rows if s.metric in row.metrics]
    tiles = [(f'{s.done} / {s.members}', 'members done'), (str(len(s.seeds)), 'seeds' if len(s.seeds) > 1 else 'seed')]
    if s.troubles:
        tiles.append((str(len(s.troubles)), 'without a result'))
    for label, row in (('baseline', next((r for r in scored if r.is_baseline), None)),
                       ('best', max(scored, key=lambda r: r.metrics[s.metric].mean, default=None))):
        if row is not None:
            tiles.append((row.metrics[s.metric].text(), f'{s.metric}, {label}: {row.name}'))
    spent = sum(row.seconds.mean * row.seconds.n for row in s.rows if row.seconds)
    if spent:
        tiles.append((duration(spent), 'training and testing, summed'))
    inner = ''.join(f'<div class="tile"><b>{escape(b)}</b><span>{escape(words)}</span></div>' for b, words in tiles)
    return f'<div class="tiles">{inner}</div>'


def _notes(s: Summary) -> str:
    return f'<div class="notes">{"".join(f"<p>{escape(n)}</p>" for n in s.notes)}</div>' if s.notes else ''


def _reading(s: Summary) -> str:
    text = (f'{escape(s.metric)} and other scores in percent unless their name says otherwise: mean ± sample standard '
            'deviation over n seeds. Δ: mean difference to the baseline over the seeds both have. Best value of a '
            'column in bold. Point at a row to find it in the charts; click a heading to sort.')
    return f'<p class="note">{text}</p>' + (f'<p class="note">{escape(s.cost_note)}</p>' if s.cost_note else '')


def _table(s: Summary, look: Dict) -> str:
    costs, metrics = cost_columns(s), s.columns or [s.metric]
    heads = ['#', *s.axes, 'n']
    for metric in metrics:
        heads += [metric, f'Δ {metric}'] if metric == s.metric else [metric]
    heads += [label for _, label, _, _ in costs]
    words = {1 + i for i in range(len(s.axes))}
    best = {m: max((r.metrics[m].mean for r in s.rows if m in r.metrics), default=None) for m in metrics}
    least = {k: min((r.cost[k] for r in s.rows if k in r.cost), default=None) for k, *_ in costs}
    lines = []
    for row in s.rows:
        cells = [_td(str(row.number), row.number)]
        for i, axis in enumerate(s.axes):
            inner = (swatch(look[row.name]) if i == 0 else '') + escape(row.choices[axis])
            if row.is_baseline and i == len(s.axes) - 1:
                inner += '<span class="tag">baseline</span>'
            cells.append(_td(inner, row.choices[axis], 'words'))
        cells.append(_td(f'{len(row.results)}' + (f' of {row.planned}' if len(row.results) < row.planned else ''),
                         len(row.results)))
        for metric in metrics:
            value = row.metrics.get(metric)
            cells.append(_spread(value, 'best' if value and value.mean == best[metric] else ''))
            if metric == s.metric:
                cells.append(_delta(row, metric))
        for key, _, scale, digits in costs:
            cells.append(_td(cost_cell(row, key, scale, digits), row.cost.get(key, ''),
                             'best' if key in row.cost and row.cost[key] == least[key] else ''))
        base = ' class="base"' if row.is_baseline else ''
        lines.append(f'<tr{base} data-row="{escape(row.name)}">{"".join(cells)}</tr>')
    head = ''.join(f'<th{" class=words" if i in words else ""} scope="col"><button>{escape(h)}</button></th>'
                   for i, h in enumerate(heads))
    return f'<div class="scroll"><table><thead><tr>{head}</tr></thead><tbody>{"".join(lines)}</tbody></table></div>'


def _td(inner: str, value='', cls: str = '') -> str:
    return f'<td{f" class={chr(34)}{cls}{chr(34)}" if cls else ""} data-value="{escape(str(value))}">{inner}</td>'


def _spread(value: Optional[Spread], cls: str = '') -> str:
    if value is None:
        return _td('-')
    sd = '' if value.sd is None else f' <span class="sd">± {value.sd:.2f}</span>'
    return _td(f'{value.mean:.2f}{sd}', value.mean, cls)


def _delta(row: Row, metric: str) -> str:
    value = row.deltas.get(metric)
    if value is None:
        return _td('-', 0 if row.is_baseline else '')
    sd = '' if value.sd is None else f' <span class="sd">± {value.sd:.2f}</span>'
    clear = value.sd is not None and abs(value.mean) > value.sd  # colour only what exceeds its own spread
    cls = ('up' if value.mean > 0 else 'down') if clear else ''
    return _td(f'{value.mean:+.2f}{sd}'.replace('-', '−'), value.mean, cls)


def _charts(s: Summary, look: Dict) -> List[str]:
    plots = [accuracy_against_cost(s.rows, s.metric, key, scale, label, look)
             for key, scale, label in (('macs', 1e-9, 'GMACs'), ('latency', 1., 'latency (ms)'),
                                       ('params', 1e-6, 'parameters (M)'), ('memory', 1., 'peak memory (MiB)'))]
    plots = [f'<figure>{plot}</figure>' for plot in plots if plot]
    if not plots:
        return []
    return ['<h2>Accuracy against cost</h2>', '<p class="soft">Numbers are those of the table. The thin line joins '
            'what nothing else beats on both counts; the dashed one is the baseline.</p>',
            f'<div class="pair">{"".join(plots)}</div>']


def _effects(s: Summary) -> List[str]:
    base = next(row for row in s.rows if row.is_baseline)
    plot = effect_dots(s.effects, base.choices, s.metric)
    if not plot:
        return []
    return ['<h2>What each choice changes</h2>', f'<p class="soft">Each dot is the difference of {escape(s.metric)} '
            'between two members that are equal in everything else, seed included; the bar is their mean, ± their '
            f'standard deviation.</p><figure class="narrow">{plot}</figure>']


def _classes(s: Summary, look: Dict) -> List[str]:
    table = s.primary_classes
    bars = [f'<figure>{class_bars(s.rows, table, name, look)}</figure>' for name in s.class_names
            if any(name in row.classes.get(table, {}) for row in s.rows)]
    if not bars:
        return []
    return [f'<h2>{escape(table)} by class</h2>', '<p class="soft">One bar a combination, numbered as in the table, '
            'from zero; every class has its own scale; the dashed line is the baseline.</p>',
            f'<div class="classes">{"".join(bars)}</div>']


def _learning(s: Summary, look: Dict) -> List[str]:
    runs = [(row, list(row.results.values())) for row in s.rows if row.results]
    plots = [curves([(row, mean_curve([r.loss for r in found])) for row, found in runs], 'training loss', look),
             curves([(row, mean_curve([r.val.get(s.metric, []) for r in found])) for row, found in runs],
                    f'validation {s.metric}', look)]
    plots = [f'<figure>{plot}</figure>' for plot in plots if plot]
    if not plots:
        return []
    means = '<p class="soft">Means over the seeds.</p>' if len(s.seeds) > 1 else ''
    return ['<h2>Learning curves</h2>', means, axes_legend(s.axes), f'<div class="pair">{"".join(plots)}</div>']


def _troubles(s: Summary) -> str:
    if not s.troubles:
        return ''
    parts = ['<h2>Without a result</h2>']
    for t in s.troubles:
        where = f' in {escape(t.stage)}' if t.stage else ''
        lines = f'<p class="soft">Last lines of its log:</p><pre>{escape(t.lines)}</pre>' if t.lines else ''
        log = f'<p class="soft">Log: <code>{escape(t.log)}</code></p>' if t.log else ''
        parts.append(f'<div class="fail"><b>{escape(t.name)}</b>: {escape(t.status)}{where}'
                     f'{f"<p><code>{escape(t.reason)}</code></p>" if t.reason else ""}{lines}{log}</div>')
    return ''.join(parts)


def _more_metrics(s: Summary) -> str:
    """All metrics, for those that the main table leaves out."""
    if set(s.metrics) <= set(s.columns or [s.metric]):
        return ''
    head = ''.join(f'<th scope="col">{escape(h)}</th>' for h in s.metrics)
    rows = ''.join(f'<tr><td class="words">{row.number} {escape(row.name)}</td>'
                   + ''.join(_spread(row.metrics.get(m)) for m in s.metrics) + '</tr>' for row in s.rows)
    return ('<h2>All metrics</h2><div class="scroll"><table>'
            f'<thead><tr><th class="words">combination</th>{head}</tr></thead><tbody>{rows}</tbody></table></div>')


def _made_with(s: Summary) -> str:
    facts = dict(s.environment, segfusion=__version__, seeds=', '.join(map(str, s.seeds)), base=s.base)
    rows = ''.join(
        f'<tr><td class="words">{escape(k)}</td><td class="words">{escape(v)}</td></tr>' for k, v in facts.items())
    members = ''.join(
        f'<details><summary><code>{escape(name)}</code></summary><pre>{escape(s.configs.get(name, ""))}</pre>'
        + (f'<pre>{escape(chr(10).join(commands.values()))}</pre>' if commands else '') + '</details>'
        for name, commands in s.commands.items())
    return (f'<h2>Made with</h2><pre>{escape(s.command)}</pre>'
            f'<div class="scroll"><table><tbody>{rows}</tbody></table></div>'
            f'<h3>Config and commands of every member</h3>{members}')
