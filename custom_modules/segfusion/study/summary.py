"""Everything a report says, as plain data: read from a study's folder, written as results.json."""
import shlex
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Dict, List, Optional, Sequence

import yaml

from .plan import Study
from .records import Record, made_by, read_member
from .results import Result
from .state import DONE, FAILED, Folder, State
from .statistics import Effect, Spread, effects, paired, spread

COLUMNS = 4  # metrics in the main table, unless the study names its own; all are in the report


@dataclass
class Row:
    """One combination, its seeds pooled."""
    number: int
    name: str
    choices: Dict[str, str]
    planned: int  # members
    results: Dict[int, Result] = field(default_factory=dict)  # seed -> what it left
    metrics: Dict[str, Spread] = field(default_factory=dict)
    deltas: Dict[str, Spread] = field(default_factory=dict)
    classes: Dict[str, Dict[str, Spread]] = field(default_factory=dict)
    cost: Dict[str, float] = field(default_factory=dict)  # params, macs, latency, memory
    seconds: Optional[Spread] = None
    is_baseline: bool = False
    config: str = ''  # stem of the config file that is this combination
    published: str = ''  # what others report


@dataclass
class Trouble:
    """A member without a result."""
    name: str
    status: str
    stage: str = ''
    reason: str = ''
    lines: str = ''
    log: str = ''


@dataclass
class Summary:
    title: str
    question: str
    metric: str
    axes: Dict[str, List[str]]
    seeds: List[int]
    baseline: str
    rows: List[Row]
    troubles: List[Trouble]
    effects: List[Effect]
    metrics: List[str]  # all names found, the study's own first
    class_names: List[str]
    members: int
    done: int
    columns: List[str] = field(default_factory=list)  # metrics of the main table
    environment: Dict[str, str] = field(default_factory=dict)
    cost_note: str = ''
    commands: Dict[str, Dict[str, str]] = field(default_factory=dict)  # member -> stage -> command
    configs: Dict[str, str] = field(default_factory=dict)  # member -> text of its config file
    command: str = ''  # that makes all of it again
    notes: List[str] = field(default_factory=list)
    base: str = ''
    records: Dict[str, Record] = field(default_factory=dict)  # of finished members, see records.py

    @property
    def primary_classes(self) -> str:
        """The column of classes to draw."""
        found = {column for row in self.rows for column in row.classes}
        return 'IoU' if 'IoU' in found or not found else sorted(found)[0]


def summarise(study: Study, out: Path, command: str = '') -> Summary:
    """Read the members of a study; costs and images are added by whoever measures and draws them."""
    rows, troubles, scores, commands, configs = [], [], [], {}, {}
    published = published_figures(study)
    for number, (group, members) in enumerate(study.groups.items(), 1):
        row = Row(number, group, members[0].choices, len(members), is_baseline=group == study.baseline_group,
                  config=members[0].config, published=published.get(group, ''))
        seconds = []
        for member in members:
            folder = Folder(out, member.name)
            state = folder.read()
            commands[member.name] = {stage: as_typed(words) for stage, words in state.commands.items()}
            path = out / 'configs' / f'{member.name}.py'
            configs[member.name] = path.read_text() if path.exists() else ''
            result = read_member(folder) if state.status == DONE else None
            if result is None or not result.metrics:
                troubles.append(_trouble(member.name, state, folder))
                continue
            row.results[member.seed] = result
            seconds.append(sum(state.seconds.values()))
            if study.metric in result.metrics:
                scores.append((member.choices, member.seed, result.metrics[study.metric]))
        row.metrics = _spreads([r.metrics for r in row.results.values()])
        columns = {column: None for r in row.results.values() for column in r.classes}
        row.classes = {c: _spreads([r.classes.get(c, {}) for r in row.results.values()]) for c in columns}
        row.seconds = spread(seconds)
        rows.append(row)
    base = next(row for row in rows if row.is_baseline)
    for row in rows:
        for metric in row.metrics:
            delta = paired({s: r.metrics[metric] for s, r in row.results.items() if metric in r.metrics},
                           {s: r.metrics[metric] for s, r in base.results.items() if metric in r.metrics})
            if delta and row is not base:
                row.deltas[metric] = delta
    names = list({name: None for row in rows for name in row.metrics})
    names.sort(key=lambda name: name != study.metric)  # stable: the rest as the evaluators wrote them
    summary = Summary(
        title=study.title, question=study.question, metric=study.metric,
        axes={axis: list(choices) for axis, choices in study.axes.items()}, seeds=study.seeds,
        baseline=study.baseline_group, rows=rows, troubles=troubles,
        effects=effects(scores, study.baseline, study.axes), metrics=names,
        class_names=list({name: None for row in rows for table in row.classes.values() for name in table}),
        members=len(study.members), done=len(study.members) - len(troubles), commands=commands, configs=configs,
        command=command, base=study.base.name)
    summary.columns = [c for c in study.measure.get('columns') or names[:COLUMNS] if c in names]
    summary.notes = _notes(study, summary)
    return summary


def content(summary: Summary, tables: Dict[str, dict]) -> dict:
    """Everything but the texts, for pages and for whoever wants to plot it otherwise.

    ``members`` is what was found, one :data:`~.records.Record` a member; all else follows from it.
    """
    data = asdict(summary)
    for key in ('configs', 'commands', 'troubles', 'records'):
        data.pop(key)
    for row in data['rows']:
        row.pop('results')
    made = made_by(summary.command, list(summary.records.values()), summary.members)
    return dict(data, made=made, members=summary.records, tables=tables)


def published_figures(study: Study) -> Dict[str, str]:
    """Figures of others from ``published.yaml`` beside the study, by combination, each with its source.

    Raises:
        ValueError: If one has no source.
    """
    path = study.path.with_name('published.yaml')
    known = [e for e in yaml.safe_load(path.read_text()) if study.metric.lower() in e] if path.exists() else []
    for entry in known:
        if not entry.get('source'):
            raise ValueError(f'{path}: {entry["name"]} needs a source: where its {study.metric} was published')
    return {entry['name']: f'{entry[study.metric.lower()]} ({entry["source"]})' for entry in known}


def as_typed(words: Sequence[str]) -> str:
    """A command as a user would type it to have the member made again, from the start."""
    words = [word for word in words if word != '--resume']
    return shlex.join(words[2:] if words[1:3] == ['-m', 'mim'] else words)


def _spreads(tables: Sequence[Dict[str, float]]) -> Dict[str, Spread]:
    names = {name: None for table in tables for name in table}
    found = {name: spread([table[name] for table in tables if name in table]) for name in names}
    return {name: value for name, value in found.items() if value}


def _trouble(name: str, state: State, folder: Folder) -> Trouble:
    if state.status == DONE:
        return Trouble(name, FAILED, 'test', 'the test left no metrics', log=str(folder.log))
    return Trouble(name, state.status, state.failure.get('stage', ''), state.failure.get('reason', ''),
                   state.failure.get('lines', ''), str(folder.log) if folder.log.exists() else '')


def _notes(study: Study, summary: Summary) -> List[str]:
    """What a reader must know before believing a difference."""
    notes = []
    if len(study.seeds) == 1:
        notes.append('One seed: the spread between seeds is unknown, so a small difference between two rows says '
                     'nothing.')
    elif len(study.seeds) < 3:
        notes.append(f'{len(study.seeds)} seeds: the spread (sample sd) is itself uncertain.')
    if summary.troubles:
        notes.append(f'{len(summary.troubles)} of {summary.members} members have no result; they are listed below.')
    if summary.metrics and study.metric not in summary.metrics:
        notes.append(f'No test wrote {study.metric}; found {", ".join(summary.metrics)}.')
    missing = [c for c in study.measure.get('columns') or [] if c not in summary.metrics]
    if missing and summary.metrics:
        notes.append(f'Not found in any test: {", ".join(missing)}.')
    return notes
