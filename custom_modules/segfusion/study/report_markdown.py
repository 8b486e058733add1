"""The report as Markdown tables. Names, notes and errors come from elsewhere and are text: HTML in them is escaped."""
from html import escape
from pathlib import Path
from typing import Dict, List, Optional, Tuple, Union

from ..version import __version__
from .results import read_test
from .statistics import Spread
from .summary import Row, Summary

Cells = Tuple[List[str], List[list]]  # heads and rows
COSTS = (('params', 'params (M)', 1e-6, 3), ('macs', 'GMACs', 1e-9, 2), ('latency', 'latency (ms)', 1., 1),
         ('memory', 'memory (MiB)', 1., 0))


def cost_columns(summary: Summary) -> List[tuple]:
    """Those of :data:`COSTS` that were measured."""
    return [column for column in COSTS if any(column[0] in row.cost for row in summary.rows)]


def cell(value: Optional[Spread], signed: bool = False) -> str:
    return '-' if value is None else value.text(signed=signed)


def cost_cell(row: Row, key: str, scale: float, digits: int) -> str:
    return f'{row.cost[key] * scale:.{digits}f}' if key in row.cost else '-'


def safe(text: object) -> str:
    """Text that a Markdown reader does not take for HTML."""
    return escape(str(text), quote=False)


def table(head: List[str], rows: List[List[str]]) -> str:
    def line(cells):
        return f'| {" | ".join(safe(c).replace("|", "/") for c in cells)} |'

    return '\n'.join([line(head), line(['---'] * len(head)), *map(line, rows)])


def markdown(summary: Summary) -> str:
    """The whole report; failed and unfinished members are listed, unmeasured cells are ``-``."""
    s = summary
    parts = [f'# {safe(s.title)}']
    if s.question:
        parts.append(safe(s.question))
    parts.append(f'{s.done} of {s.members} members done; base `{s.base}`; baseline `{s.baseline}`; seeds '
                 f'{", ".join(map(str, s.seeds))}. Mean ± sample sd over n seeds; Δ is the mean difference to the '
                 'baseline over the seeds both have.')
    parts += [f'> {safe(note)}' for note in s.notes]
    parts.append(table(*results_cells(s)))
    if s.effects and any(e.differences for e in s.effects):
        parts += ['## What each choice changes', f'Difference of {safe(s.metric)} between members that are otherwise '
                  'equal (same seed, same other choices), mean ± sd over the pairs.', table(*effects_cells(s))]
    for column in class_columns(s):
        parts += [f'## {safe(column)} by class', table(*class_cells(s, column))]
    if not set(s.metrics) <= set(s.columns or [s.metric]):
        parts += ['## All metrics', table(*metrics_cells(s))]
    if s.troubles:
        parts += ['## Without a result', table(
            ['member', 'status', 'stage', 'reason', 'log'],
            [[t.name, t.status, t.stage or '-', t.reason or '-', t.log or '-'] for t in s.troubles])]
    parts += ['## Made with', f'```shell\n{s.command}\n```']
    if s.cost_note:
        parts.append(safe(s.cost_note))
    if s.environment:
        facts = dict(s.environment, segfusion=__version__)
        parts.append(safe(', '.join(f'{key} {value}' for key, value in facts.items())) + '.')
    return '\n\n'.join(parts) + '\n'


def tables(s: Summary) -> Dict[str, dict]:
    """The tables of the report by name, as :class:`~segfusion.diagnosis.race.ResultFile` keeps them."""
    cells = dict(results=results_cells(s), effects=effects_cells(s), metrics=metrics_cells(s))
    cells.update({f'classes-{column}': class_cells(s, column) for column in class_columns(s)})
    return {name: dict(columns=list(map(str, head)), formats=[''] * len(head),
                       rows=[[safe(c).replace('|', '/') for c in row] for row in rows])
            for name, (head, rows) in cells.items()}


def class_columns(s: Summary) -> List[str]:
    return list(dict.fromkeys(c for row in s.rows for c in row.classes))


def results_cells(s: Summary) -> Cells:
    costs = cost_columns(s)
    others = any(row.published for row in s.rows)
    head = ['#', *s.axes, 'n', *_metric_heads(s), *(label for _, label, _, _ in costs)]
    head += [f'{s.metric} published by others'] if others else []
    rows = []
    for row in s.rows:
        name = [f'**{c}**' if row.is_baseline else c for c in (row.choices[axis] for axis in s.axes)]
        scores = []
        for metric in s.columns or [s.metric]:
            scores.append(cell(row.metrics.get(metric)))
            if metric == s.metric:
                scores.append('baseline' if row.is_baseline else cell(row.deltas.get(metric), signed=True))
        rows.append([row.number, *name, len(row.results), *scores, *(cost_cell(row, k, f, d) for k, _, f, d in costs),
                     *([row.published or '-'] if others else [])])
    return head, rows


def _metric_heads(s: Summary) -> List[str]:
    heads = []
    for metric in s.columns or [s.metric]:
        heads += [metric, f'Δ {metric}'] if metric == s.metric else [metric]
    return heads


def effects_cells(s: Summary) -> Cells:
    base = next(row for row in s.rows if row.is_baseline)
    rows = [[e.axis, e.choice, base.choices[e.axis], cell(e.spread, signed=True), len(e.differences)]
            for e in s.effects]
    return ['axis', 'choice', 'instead of', f'Δ {s.metric}', 'pairs'], rows


def metrics_cells(s: Summary) -> Cells:
    return ['combination', *s.metrics], [[row.name, *(cell(row.metrics.get(m)) for m in s.metrics)] for row in s.rows]


def class_cells(s: Summary, column: str) -> Cells:
    shown = [row for row in s.rows if column in row.classes]
    names = [name for name in s.class_names if any(name in row.classes[column] for row in shown)]
    rows = [[name, *(cell(row.classes[column].get(name)) for row in shown)] for name in names]
    return ['class', *(row.name for row in shown)], rows


def scores_table(work_dir: Union[str, Path]) -> str:
    """The newest test in a work directory of ``mim test``: one row a class, the mean last.

    Raises:
        FileNotFoundError: If no test has finished there.
    """
    metrics, classes = read_test(Path(work_dir))
    if 'mIoU' not in metrics:
        raise FileNotFoundError(f'no finished test in {work_dir}: expected <time>/<time>.json with an mIoU, as '
                                '`mim test ... --work-dir` writes it')

    def number(value):
        return '-' if value is None else f'{value:.2f}'

    iou, accuracy = classes.get('IoU', {}), classes.get('Acc', {})
    rows = [[name, number(iou[name]), number(accuracy.get(name))] for name in iou]
    rows.append([f'**{text}**' for text in ('mean', number(metrics['mIoU']), number(metrics.get('mAcc')))])
    return (table(['class', 'IoU (%)', 'accuracy (%)'], rows)
            + f'\n\nPixel accuracy {number(metrics.get("aAcc"))} %.')
