"""What is known about every member on disk: its folder, how far it came, and what must not be overwritten."""
import json
import os
import socket
import time
import zipfile
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Dict, Iterator, List, Optional

from ..datasets.files import write_whole

PENDING, TRAINING, TRAINED, TESTING, DONE, FAILED, INTERRUPTED = (
    'pending', 'training', 'trained', 'testing', 'done', 'failed', 'interrupted')


@dataclass
class State:
    """Progress of one member, kept in ``state.json`` of its folder."""
    status: str = PENDING
    trained: bool = False
    train_fingerprint: str = ''
    score_fingerprint: str = ''
    seconds: Dict[str, float] = field(default_factory=dict)  # stage -> seconds, over all attempts
    commands: Dict[str, List[str]] = field(default_factory=dict)  # stage -> the last command
    attempts: int = 0
    failure: Dict[str, str] = field(default_factory=dict)  # stage, reason, lines
    host: str = ''
    process_group: int = 0  # of the running command, 0 if none
    changed: str = ''  # when this was written
    made: Dict[str, str] = field(default_factory=dict)  # where it was trained: device, versions, commit


class Folder:
    """The folder of one member: ``train/`` and ``test/`` are work directories of mmengine, ``log.txt`` holds both."""

    def __init__(self, root: Path, name: str):
        self.root, self.name = Path(root) / 'members' / name, name
        self.aside = Path(root) / 'aside'

    @property
    def train(self) -> Path:
        return self.root / 'train'

    @property
    def test(self) -> Path:
        return self.root / 'test'

    @property
    def log(self) -> Path:
        return self.root / 'log.txt'

    @property
    def record(self) -> Path:
        """What another machine found out about this member, where it was not run here."""
        return self.root / 'record.json'

    @property
    def known(self) -> bool:
        return (self.root / 'state.json').exists()

    def read(self) -> State:
        path = self.root / 'state.json'
        if not path.exists():
            return State()
        known = State.__dataclass_fields__
        return State(**{k: v for k, v in json.loads(path.read_text()).items() if k in known})

    def write(self, state: State) -> None:
        state.changed = time.strftime('%Y-%m-%d %H:%M:%S')
        self.root.mkdir(parents=True, exist_ok=True)
        write_whole(self.root / 'state.json', json.dumps(asdict(state), indent=2) + '\n')

    def checkpoints(self) -> List[Path]:
        """Whole checkpoints of the training, newest first; one that was cut off while being written is left out."""
        files = [p for pattern in ('iter_*.pth', 'epoch_*.pth') for p in self.train.glob(pattern)]
        return [p for p in sorted(files, key=_step, reverse=True) if zipfile.is_zipfile(p)]

    def last_checkpoint(self) -> Optional[Path]:
        return next(iter(self.checkpoints()), None)

    def best_checkpoint(self) -> Optional[Path]:
        return max(self.train.glob('best_*.pth'), key=_step, default=None)

    def tested_checkpoint(self, which: str) -> Path:
        """The checkpoint a study tests and draws.

        Raises:
            FileNotFoundError: If there is none.
        """
        path = self.best_checkpoint() if which == 'best' else self.last_checkpoint()
        if path is None:
            remedy = "save_best of the checkpoint hook writes it; or say checkpoint='last'" if which == 'best' else (
                'the checkpoint hook of the base config must save the last iteration')
            raise FileNotFoundError(f'no {which} checkpoint in {self.train}: {remedy}')
        return path

    def point_to_last_checkpoint(self) -> bool:
        """Make ``--resume`` find the newest whole checkpoint; False if there is none to resume from."""
        path = self.last_checkpoint()
        if path is not None:
            write_whole(self.train / 'last_checkpoint', str(path))
        return path is not None

    def move_aside(self, part: str = '') -> Path:
        """Move the whole folder, or one part of it, out of the way; nothing is ever deleted."""
        source = self.root / part
        stamp = time.strftime('%Y%m%d-%H%M%S')
        for count in range(1000):
            target = self.aside / '-'.join(filter(None, [self.name, part, stamp, str(count) if count else '']))
            if not target.exists():
                break
        target.parent.mkdir(parents=True, exist_ok=True)
        source.rename(target)
        return target


def next_stage(state: State) -> Optional[str]:
    """``'train'``, ``'test'`` or None if the member is finished."""
    if state.status == DONE:
        return None
    return 'test' if state.trained else 'train'


def changed(state: State, folder: Folder, train_print: str, score_print: str) -> str:
    """Why a member's earlier work does not belong to the present config; empty if it does, or there is none."""
    started = state.trained or folder.last_checkpoint() is not None
    if started and state.train_fingerprint and state.train_fingerprint != train_print:
        what = 'was trained' if state.trained else 'was begun'
        return (f'{folder.name} {what} with another config than the study asks for now. To keep it, undo the change; '
                f'to train again, add --fresh {folder.name} (the old folder is kept under {folder.aside})')
    if state.status == DONE and state.score_fingerprint != score_print:
        return (f'{folder.name} was tested with another test_* or model config than the study asks for now. To keep '
                f'it, undo the change; to test the same weights again, add --retest {folder.name} (the old scores are '
                f'kept under {folder.aside})')
    return ''


class Busy(RuntimeError):
    """Another process works on the same study."""


@contextmanager
def lock(root: Path) -> Iterator[None]:
    """Hold the study's folder; the system lets go of it however this process ends.

    Raises:
        Busy: If another process holds it.
    """
    import fcntl  # not on Windows, where a study can be planned and reported only
    root.mkdir(parents=True, exist_ok=True)
    with open(root / 'lock', 'a+') as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            file.seek(0)
            raise Busy(f'another run works on {root} ({file.read().strip() or "unknown process"}). Wait for it, stop '
                       'it, or give this one its own folder with --out') from None
        file.seek(0)
        file.truncate()
        file.write(f'process {os.getpid()} on {socket.gethostname()} since {time.strftime("%Y-%m-%d %H:%M:%S")}')
        file.flush()
        try:
            yield
        finally:
            file.truncate(0)


def _step(path: Path) -> int:
    digits = path.stem.rsplit('_', 1)[-1]
    return int(digits) if digits.isdigit() else -1
