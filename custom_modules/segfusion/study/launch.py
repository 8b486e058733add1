"""The commands of a member, the processes that run them, and what their logs say when they fail."""
import os
import re
import shlex
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Dict, List, Optional

from ..engine.hooks import OUT_OF_TIME
from .state import Folder

GRACE = 20.  # seconds between asking a process to end and making it
_ERROR = re.compile(r'^(?:[A-Za-z_][\w.]*\.)?[A-Z]\w*(?:Error|Exception|Interrupt|Warning|Exit|OutOfMemory)\b.*')


@dataclass
class Launcher:
    """How ``mim`` is called.

    Args:
        launcher: ``'none'``, ``'pytorch'`` or ``'slurm'``, as ``mim`` has it.
        extra: Arguments for both ``mim train`` and ``mim test``, e.g. the partition.
        train_args, test_args: Arguments of one of the two, e.g. ``['--amp']``.
        gpus_per_member: Devices of one member; 0 leaves the choice to the system.
        devices: Names of the devices to hand out.
        jobs: Members at once.
        until: Seconds since 1970 at which trainings save and end.
    """
    launcher: str = 'none'
    extra: List[str] = field(default_factory=list)
    train_args: List[str] = field(default_factory=list)
    test_args: List[str] = field(default_factory=list)
    gpus_per_member: int = 0
    devices: List[str] = field(default_factory=list)
    jobs: int = 1
    until: Optional[float] = None

    def __post_init__(self):
        need = self.jobs * self.gpus_per_member
        if self.jobs < 1 or self.gpus_per_member < 0:
            raise ValueError(f'expected at least one job and no negative number of GPUs, got --jobs {self.jobs} '
                             f'--gpus-per-member {self.gpus_per_member}')
        if self.launcher != 'slurm' and need > len(self.devices):
            raise ValueError(f'--jobs {self.jobs} with --gpus-per-member {self.gpus_per_member} needs {need} GPUs, but '
                             f'{len(self.devices)} are visible; lower one of them, or share devices with '
                             '--gpus-per-member 0')

    def train(self, config: Path, folder: Folder, resume: bool) -> List[str]:
        more = [*self.extra, *self.train_args]
        if self.until is not None:
            hook = 'default_hooks.stop_in_time'  # beside the user's options: of two, argparse takes the last
            at = more.index('--cfg-options') if '--cfg-options' in more else len(more)
            more[at:at + 1] = ['--cfg-options', f'{hook}.type=StopInTimeHook', f'{hook}.until={self.until:.0f}']
        return self._mim('train', config, '--work-dir', str(folder.train), *['--resume'] * resume, *self._more(), *more)

    def test(self, config: Path, folder: Folder, checkpoint: Path) -> List[str]:
        return self._mim('test', config, '--checkpoint', str(checkpoint), '--work-dir', str(folder.test), *self._more(),
                         *self.extra, *self.test_args)

    @staticmethod
    def _mim(command: str, config: Path, *args: str) -> List[str]:
        return [sys.executable, '-m', 'mim', command, 'mmseg', str(config), *args]

    def _more(self) -> List[str]:
        if self.launcher == 'none':
            return []
        args = ['--launcher', self.launcher]
        if self.launcher == 'pytorch' and '--port' not in self.extra:  # mim draws one, which two jobs may share
            with socket.socket() as probe:
                probe.bind(('', 0))
                args += ['--port', str(probe.getsockname()[1])]
        given = {'--gpus', '-G'} & {word.split('=')[0] for word in self.extra}
        return args + (['--gpus', str(self.gpus_per_member)] if self.gpus_per_member and not given else [])

    def environment(self, slot: int) -> Dict[str, str]:
        """Of the job in ``slot``: the package the study itself runs, its devices, its share of the processor."""
        env = dict(os.environ, PYTHONUNBUFFERED='1')
        package = str(Path(__file__).resolve().parents[2])
        env['PYTHONPATH'] = os.pathsep.join(filter(None, [package, env.get('PYTHONPATH')]))
        if self.gpus_per_member and self.launcher != 'slurm':
            first = slot * self.gpus_per_member
            env['CUDA_VISIBLE_DEVICES'] = ','.join(self.devices[first:first + self.gpus_per_member])
        if self.jobs > 1 and self.launcher == 'none' and not self.gpus_per_member:
            env.setdefault('OMP_NUM_THREADS', str(max(usable_cores() // self.jobs, 1)))
        return env


class Process:
    """A command in a process group of its own, so that it and all its children end together."""

    def __init__(self, command: List[str], log: Path, env: Optional[Dict[str, str]] = None):
        log.parent.mkdir(parents=True, exist_ok=True)
        with open(log, 'ab') as file:
            self.log_start = file.tell()
            file.write(f'\n$ {shlex.join(command)}\n'.encode())
            file.flush()
            self.process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=file, stderr=subprocess.STDOUT, env=env,
                start_new_session=True)
        self.command, self.log, self.start = command, log, time.time()

    @property
    def group(self) -> int:
        return self.process.pid

    def poll(self) -> Optional[int]:
        return self.process.poll()

    def seconds(self) -> float:
        return time.time() - self.start

    def stop(self, **how) -> None:
        stop_group(self.group, lambda: self.process.poll() is not None and not members_of(self.group), **how)

    def text(self) -> str:
        """What the command has printed."""
        with open(self.log, 'rb') as file:
            file.seek(self.log_start)
            return file.read().decode(errors='replace')

    def stopped_in_time(self, code: int) -> bool:
        """Whether ``StopInTimeHook`` ended it; ``mim`` itself exits with 1, and tells the status."""
        return code == OUT_OF_TIME or bool(code) and f'non-zero exit status {OUT_OF_TIME}.' in self.text()[-2000:]

    def failure(self, stage: str, code: int) -> Dict[str, str]:
        """Stage, reason in one line, and the last lines of the log up to it."""
        reason, lines = explain(self.text(), code)
        return dict(stage=stage, reason=reason, lines=lines)


def explain(text: str, code: int, keep: int = 15) -> tuple:
    """The reason of a failure in one line, and the log's last lines up to it.

    ``mim`` puts its own traceback behind the one that matters; it is left out where there is one that matters.
    """
    lines = [line.rstrip().rsplit('\r', 1)[-1] for line in text.splitlines() if line.strip()]
    errors = [i for i, line in enumerate(lines) if _ERROR.match(line)]
    matter = [i for i in errors if 'CalledProcessError' not in lines[i]]
    if matter:
        last = matter[-1]
        return lines[last], '\n'.join(lines[max(last + 1 - keep, 0):last + 1])
    tail = '\n'.join(lines[-keep:])
    killed = re.search(r'died with <Signals\.(\w+)', tail)
    number = -code if code < 0 else code - 128 if code > 128 else 0
    if killed or number:
        name = killed[1] if killed else _signal_name(number)
        return f'killed by {name}' + (' (out of memory, or by hand)' if name == 'SIGKILL' else ''), tail
    return f'exit code {code}', tail


def stop_group(group: int, ended, ask: int = signal.SIGTERM, grace: float = GRACE) -> None:
    """Ask a process group to end, and make it after a grace period."""
    for number in (ask, signal.SIGKILL):
        try:
            os.killpg(group, number)
        except ProcessLookupError:
            return
        deadline = time.time() + grace
        while time.time() < deadline:
            if ended():
                return
            time.sleep(0.05)


def members_of(group: int, mention: str = '') -> List[int]:
    """Living processes of a group whose command line mentions a text; None of them where the system does not tell."""
    found = []
    for entry in Path('/proc').glob('[0-9]*'):
        try:
            stat = (entry / 'stat').read_text().rsplit(')', 1)[1].split()
            words = (entry / 'cmdline').read_bytes().replace(b'\0', b' ').decode(errors='replace')
        except (OSError, IndexError):
            continue  # ended meanwhile
        if int(stat[2]) == group and stat[0] != 'Z' and mention in words:
            found.append(int(entry.name))
    return found


def stop_leftovers(group: int, folder: Folder) -> bool:
    """End what a killed study left running; only processes that say they work in this member's folder."""
    if not group or not members_of(group, os.path.join('members', folder.name, '')):
        return False
    stop_group(group, lambda: not members_of(group))
    return True


def visible_devices() -> List[str]:
    """Names for CUDA_VISIBLE_DEVICES of the GPUs this process may use."""
    import torch
    count = torch.cuda.device_count()
    named = os.environ.get('CUDA_VISIBLE_DEVICES')
    return named.split(',')[:count] if named and count else [str(i) for i in range(count)]


def usable_cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, 'sched_getaffinity') else os.cpu_count() or 1


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f'signal {number}'
