"""How far a study is: live bars in a terminal, a line an event in a log."""
import json
import sys
import time
from pathlib import Path
from typing import Dict, Optional, Sequence

from .plan import Member
from .state import DONE, FAILED, Folder

TEST_SHARE = 0.1  # of a member's time, until a member has shown how long its test takes


def last_step(train: Path) -> int:
    """The iteration (or epoch) that mmengine logged last; 0 before the first."""
    logs = sorted(train.glob('*/vis_data/scalars.json'))
    for log in reversed(logs):
        with open(log, 'rb') as file:
            file.seek(max(log.stat().st_size - 8192, 0))
            lines = file.read().decode(errors='replace').splitlines()
        for line in reversed(lines):
            try:
                return int(json.loads(line)['step'])
            except (ValueError, KeyError, TypeError):
                continue  # cut off
    return 0


class Progress:
    """Counts members and estimates the time left.

    Args:
        length: Iterations (or epochs) of a member's training, by name.
        jobs: Members at once.
        live: Draw bars. Defaults to whether standard output is a terminal.
    """

    def __init__(self, length: Dict[str, int], jobs: int = 1, live: Optional[bool] = None, stream=None):
        self.stream = stream or sys.stdout
        self.length, self.jobs = length, jobs
        self.live = self.stream.isatty() if live is None else live
        self.bars, self.tasks = None, {}
        self.members: Dict[str, Folder] = {}
        self.start = time.time()
        self.shares: Dict[str, float] = {}

    def begin(self, members: Sequence[Member], folders: Dict[str, Folder]) -> None:
        self.start, self.members = time.time(), folders
        self.shares = {name: self._share(name, retried=True) for name in folders}
        already = sum(folder.read().status == DONE for folder in folders.values())
        self.say(f'{len(members)} members, {already} done already, {self.jobs} at once')
        if self.live:
            from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
            from rich.progress import Progress as Bars
            self.bars = Bars(TextColumn('{task.description}'), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(),
                             TextColumn('{task.fields[left]}'))
            self.bars.start()
            self.tasks[''] = self.bars.add_task('study', total=len(members), completed=already, left='')

    def _share(self, name: str, retried: bool = False) -> float:
        """Part of a member that needs no more time, 0..1; one that failed needs none unless it is tried again."""
        folder = self.members[name]
        state = folder.read()
        if state.status == DONE or state.status == FAILED and not retried:
            return 1.
        if state.trained:
            return 1. - TEST_SHARE
        return (1. - TEST_SHARE) * min(last_step(folder.train) / max(self.length.get(name, 1), 1), 1.)

    def left(self) -> Optional[float]:
        """Seconds until the end, from the pace since the beginning; None before there is one."""
        now = {name: self._share(name) for name in self.members}
        gained = sum(max(now[name] - self.shares.get(name, 0.), 0.) for name in now)
        remaining = sum(1. - share for share in now.values())
        return (time.time() - self.start) / gained * remaining if gained > 0.05 else None

    def say(self, text: str) -> None:
        if self.bars is not None:
            self.bars.console.print(f'{self._clock()} {text}', highlight=False, markup=False)
        else:
            print(f'[study {self._clock()}] {text}', file=self.stream, flush=True)

    def _clock(self) -> str:
        return time.strftime('%H:%M:%S')

    def _count(self) -> str:
        states = [folder.read().status for folder in self.members.values()]
        failed = states.count(FAILED)
        left = self.left()
        parts = [f'{states.count(DONE)}/{len(states)} done']
        parts += [f'{failed} failed'] if failed else []
        if left is not None and states.count(DONE) + failed < len(states):
            parts.append(f'about {duration(left)} left')
        return ', '.join(parts)

    def done(self, name: str, seconds: Dict[str, float], score: str) -> None:
        self.say(f'done {name}{": " + score if score else ""} ({duration(sum(seconds.values()))}); {self._count()}')

    def failed(self, name: str, why: str) -> None:
        self.say(f'FAILED {name} in {why}; {self._count()}')

    def show(self, running: Sequence[str]) -> None:
        if self.bars is None:
            return
        for name in [n for n in self.tasks if n and n not in running]:
            self.bars.remove_task(self.tasks.pop(name))
        for name in running:
            if name not in self.tasks:
                self.tasks[name] = self.bars.add_task(f'  {name}', total=self.length.get(name, 1), left='')
            self.bars.update(self.tasks[name], completed=last_step(self.members[name].train))
        left = self.left()
        finished = sum(folder.read().status in (DONE, FAILED) for folder in self.members.values())
        self.bars.update(self.tasks[''], completed=finished, left='' if left is None else f'{duration(left)} left')

    def close(self) -> None:
        if self.bars is not None:
            self.bars.stop()
            self.bars, self.tasks = None, {}


def duration(seconds: float) -> str:
    """``41 s``, ``12 min``, ``3.5 h``."""
    if seconds < 100:
        return f'{seconds:.0f} s'
    return f'{seconds / 60:.0f} min' if seconds < 6000 else f'{seconds / 3600:.1f} h'


def short(text: str, most: int = 160) -> str:
    return text if len(text) <= most else text[:most - 1] + '…'
