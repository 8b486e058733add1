"""Results that outlast a machine: one file beside the study, with every finished member, from which pages are filled.

``study.py`` has ``results.json``, ``study_camvid.py`` has ``results_camvid.json``. A member whose result is there,
under the config that the study has now, needs no folder of its own: it is done wherever the study goes on.
"""
import json
import os
import re
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import Dict, List, Optional, Sequence

import torch
from mmengine.config import Config
from mmengine.utils import get_git_hash

from ..datasets.files import write_whole
from ..diagnosis.cost import environment
from .configs import lasting_fingerprints, score_fingerprint, train_fingerprint
from .plan import Study
from .results import Result, read_result
from .state import DONE, Folder, State

Record = Dict[str, object]


def committed(study: Study) -> Path:
    """The result file of a study that is kept under version control."""
    return study.path.with_name(study.path.stem.replace('study', 'results', 1) + '.json')


@lru_cache(None)
def place(threads: Optional[str] = None) -> Dict[str, str]:
    """Where a member was trained: device, versions, commit (``SEGFUSION_COMMIT`` where there is no repository)."""
    facts = environment('cuda' if torch.cuda.is_available() else 'cpu')
    commit = os.environ.get('SEGFUSION_COMMIT') or get_git_hash(fallback='unknown', digits=9)
    return dict(facts, commit=commit, threads=threads or facts['threads'])


def record_of(folder: Folder, config: Config, checkpoint: str) -> Optional[Record]:
    """All there is to keep of a finished member; None if it is not finished or left no scores."""
    state = folder.read()
    if state.status != DONE:
        return None
    if folder.record.exists():
        return json.loads(folder.record.read_text())
    result = read_result(folder.train, folder.test)
    if not result.metrics:
        return None
    return dict(fingerprints=lasting_fingerprints(config, checkpoint), finished=state.changed, seconds=state.seconds,
                attempts=state.attempts, made=state.made, **_plain(result))


def read_member(folder: Folder) -> Result:
    """What a finished member left here, or elsewhere."""
    if not folder.record.exists():
        return read_result(folder.train, folder.test)
    record = json.loads(folder.record.read_text())
    val = {name: [tuple(point) for point in curve] for name, curve in record['val'].items()}
    return Result(record['metrics'], record['classes'], [tuple(point) for point in record['loss']], val)


def read_records(path: Path) -> Dict[str, Record]:
    """The members of a result file, none if there is no file.

    Raises:
        ValueError: If it is no result file of a study.
    """
    if not path.exists():
        return {}
    try:
        return dict(json.loads(path.read_text())['members'])
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f'{path}: expected the results of a study, with "members", as tools/study.py writes them; got '
                         f'{type(error).__name__}: {error}') from error


def merge(files: Sequence[Path]) -> Dict[str, Record]:
    """The members of several result files; where two have the same one, the first, if both say the same.

    Raises:
        ValueError: If they do not.
    """
    found: Dict[str, Record] = {}
    for path in files:
        for name, record in read_records(path).items():
            if name in found and not same(found[name], record):
                raise ValueError(f'{path}: {name} has other scores or another config than in the files before '
                                 f'({", ".join(map(str, files))}); take one of the two out')
            found.setdefault(name, record)
    return found


def same(one: Record, other: Record) -> bool:
    return one['fingerprints'] == other['fingerprints'] and str(one['metrics']) == str(other['metrics'])  # nan is nan


def fitting(study: Study, configs: Dict[str, Config], records: Dict[str, Record]) -> Dict[str, Record]:
    """The records that belong to the configs of the study as they are now."""
    return {name: record for name, record in records.items()
            if name in configs and record['fingerprints'] == lasting_fingerprints(configs[name], study.checkpoint)}


def take_in(study: Study, configs: Dict[str, Config], records: Dict[str, Record], out: Path) -> List[str]:
    """Make members done here that others have made: those that fit and have no folder yet. Returns their names."""
    taken = []
    for name, record in fitting(study, configs, records).items():
        folder = Folder(out, name)
        if folder.known:
            continue
        folder.root.mkdir(parents=True, exist_ok=True)
        write_whole(folder.record, json.dumps(record) + '\n')
        folder.write(State(
            DONE, True, train_fingerprint(configs[name], study.checkpoint),
            score_fingerprint(configs[name], study.checkpoint), record['seconds'], attempts=record['attempts'],
            made=record['made']))
        taken.append(name)
    return taken


def publish(content: dict, path: Path) -> None:
    """Write a study's results to the file that is committed, unless something that is there would be lost.

    Raises:
        ValueError: If it holds a member that is not among the new ones, or says something else about it.
    """
    known, new = read_records(path), content['members']
    lost = [name for name in known if name not in new]
    other = [name for name in known if name in new and not same(known[name], new[name])]
    if lost or other:
        reasons = [f'{name} is not among the results to write: its config has changed, or it is not in the study'
                   for name in lost]
        reasons += [f'{name} has other scores or another config there' for name in other]
        raise ValueError(f'{path} was not written, because results in it would be lost:\n' + '\n'.join(reasons)
                         + '\nTake these out of its "members" (version control keeps them), and publish again')
    content = dict(content, members={name: known.get(name, record) for name, record in new.items()})
    write_whole(path, as_json(content))


def as_json(content: dict) -> str:
    """A line an entry, a point of a curve on one line: differences between two versions can be read."""
    return re.sub(r'\[\s+([\w.+-]+),\s+([\w.+-]+)\s+\]', r'[\1, \2]', json.dumps(content, indent=1)) + '\n'


def made_by(command: str, records: Sequence[Record], planned: int) -> str:
    """Where a table comes from, in one sentence."""
    parts = [f'`{command}`', f'{len(records)} of {planned} members']
    if records:
        days = sorted(str(r['finished'])[:10] for r in records)
        parts.append(days[0] if days[0] == days[-1] else f'{days[0]} to {days[-1]}')
        hours = sum(sum(r['seconds'].values()) for r in records) / 3600
        parts.append(f'{hours:.1f} hours of training and testing in all')
        for key, word in (('device', ''), ('PyTorch', 'torch '), ('commit', 'commit ')):
            values = sorted({str(r['made'][key]) for r in records if key in r['made']})
            many = key == 'commit' and len(values) > 2
            parts += [word + (f'one of {len(values)}' if many else ' and '.join(values))] if values else []
    return '; '.join(parts)


def _plain(result: Result) -> dict:
    """As JSON gives it back, so that a record compares equal to itself read again; curves to five digits."""

    def short(curve):
        return [[step, float(f'{value:.5g}')] for step, value in curve]

    data = asdict(result)
    return json.loads(json.dumps(dict(data, loss=short(data['loss']),
                                      val={k: short(v) for k, v in data['val'].items()})))


@dataclass(frozen=True)
class Score:
    """What a config reached in a committed study: mIoU (%) on the test split."""
    mean: float
    sd: Optional[float]
    seeds: int
    project: str

    @property
    def text(self) -> str:
        """For a page in ``configs/<method>/``: ``**61.20 ± 0.31** (3 seeds, [study](...))``."""
        spread = '' if self.sd is None else f' ± {self.sd:.2f}'
        seeds = f'{self.seeds} seed{"s" * (self.seeds != 1)}'
        return f'**{self.mean:.2f}{spread}** ({seeds}, [study](../../projects/{self.project}/README.md))'


def trained_configs(projects: Path) -> Dict[str, Score]:
    """Stem of a config file to what the studies below ``projects`` say of it, if they trained it as it stands.

    Raises:
        ValueError: If two studies say something about the same config.
    """
    found: Dict[str, Score] = {}
    for path in sorted(projects.glob('*/results*.json')):
        content = json.loads(path.read_text())
        for row in content['rows'] if 'members' in content else ():
            name, score = row['config'], row['metrics'].get('mIoU')
            if not name or not score:
                continue
            if name in found:
                raise ValueError(f'{name} has results in projects/{found[name].project} and in {path}, but a page can '
                                 'show one: give one of the studies a config of its own')
            found[name] = Score(score['mean'], score['sd'], score['n'], path.parent.name)
    return found
