"""Several ways to do one thing, timed in turn in one process, and the file that keeps what was found."""
import datetime
import json
import statistics
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Callable, Dict, List, Optional, Sequence, Union

from ..datasets.files import write_whole
from .cost import environment, peak_memory, wait


@dataclass
class Lap:
    """One way: wall and processor time of every round (ms), and the peak memory of a first call (MiB)."""
    name: str
    times: List[float] = field(default_factory=list)
    work: List[float] = field(default_factory=list)
    memory: Optional[float] = None

    @property
    def median(self) -> float:
        return statistics.median(self.times)

    @property
    def busy(self) -> float:
        """Median of the processor time of all threads together."""
        return statistics.median(self.work)


def race(runs: Dict[str, Callable], repeats: int = 9, device: str = 'cpu', memory: bool = True,
         report: Callable[[str], None] = lambda text: None) -> Dict[str, Lap]:
    """Time every run ``repeats`` times in turn, so that a busy moment hits all of them.

    A first call of each, not timed, warms up and gives the peak memory.

    Args:
        runs: Name to a call without arguments.
        repeats: Timed rounds.
        device: ``'cpu'`` or ``'cuda'``, whose queue is emptied before a clock is read.
        memory: Whether to measure peak memory.
        report: Called with a line of progress.
    """
    laps = {name: Lap(name) for name in runs}
    for name, run in runs.items():
        report(f'warming up {name}')
        if memory:
            laps[name].memory = peak_memory(run, device)
        else:
            run()
    for i in range(repeats):
        report(f'round {i + 1} of {repeats}')
        for name, run in runs.items():
            wait(device)
            start, worked = time.perf_counter(), time.process_time()
            run()
            wait(device)
            laps[name].times.append(1e3 * (time.perf_counter() - start))
            laps[name].work.append(1e3 * (time.process_time() - worked))
    return laps


class ResultFile:
    """Tables of one benchmark as JSON, which ``tools/update_tables.py`` writes into the pages that name it.

    Args:
        path: Where to write; kept up to date after every table, so that an interrupted run keeps what it has. None
            only prints.
        command: What was typed.
        device: Of :func:`~.cost.environment`.
        update: Keep the tables of an earlier run of the same command, to measure in pieces. Defaults to False.
        **facts: Whatever else a reader must know, e.g. the size of the input.

    Raises:
        ValueError: If the earlier run was on another machine, or with other facts.
    """

    def __init__(self, path: Optional[Union[str, Path]], command: str, device: str = 'cpu', update: bool = False,
                 **facts):
        self.path, self.start, self.earlier = path and Path(path), time.perf_counter(), 0
        self.content = dict(
            command=command, date=datetime.date.today().isoformat(), seconds=0, machine=environment(device),
            facts=facts, tables={})
        if update and self.path and self.path.exists():
            before = json.loads(self.path.read_text())
            for key in ('command', 'machine', 'facts'):
                # As JSON has it: tuples are lists there.
                if before[key] != json.loads(json.dumps(self.content[key])):
                    raise ValueError(f'{self.path} was measured with another {key}: expected {before[key]}, got '
                                     f'{self.content[key]}; measure all of it anew, or write to another file')
            self.content['tables'], self.earlier = before['tables'], before['seconds']

    def add(self, name: str, columns: Sequence[str], rows: Sequence[Sequence],
            formats: Optional[Sequence[str]] = None) -> None:
        """Keep and print a table.

        Args:
            name: By which pages ask for it; letters, digits and ``-``.
            columns: Heads.
            rows: Cells; numbers stay numbers, None is "not measured".
            formats: One format of numbers a column, as ``'.2f'``. Defaults to as they are.
        """
        table = dict(columns=list(columns), formats=list(formats or [''] * len(columns)), rows=[list(r) for r in rows])
        self.content['tables'][name] = table
        self.content['seconds'] = self.earlier + round(time.perf_counter() - self.start)
        print(f'\n{name}\n\n{markdown_table(table)}\n', flush=True)
        if self.path:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            write_whole(self.path, json.dumps(self.content, indent=1) + '\n')

    def extend(self, name: str, columns: Sequence[str], rows: Sequence[Sequence],
               formats: Optional[Sequence[str]] = None, keys: int = 1) -> None:
        """:meth:`add`, but of an earlier table rows stay whose first ``keys`` cells are none of the new ones'."""
        new = {tuple(row[:keys]) for row in rows}
        old = self.content['tables'].get(name, {}).get('rows', [])
        stay = [row for row in old if tuple(row[:keys]) not in new]
        self.add(name, columns, stay + [list(row) for row in rows], formats)


def markdown_table(table: dict) -> str:
    """A table of a :class:`ResultFile` as Markdown."""

    def cell(value, how):
        number = isinstance(value, (int, float)) and not isinstance(value, bool)
        return '-' if value is None else format(value, how if number else '')

    lines = [table['columns'], ['---'] * len(table['columns'])]
    lines += [[cell(v, how) for v, how in zip(row, table['formats'])] for row in table['rows']]
    return '\n'.join(f'| {" | ".join(line)} |' for line in lines)
