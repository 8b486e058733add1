"""Run the members of a study: what is done is skipped, what was interrupted goes on, what fails is written down."""
import shlex
import signal
import socket
import time
from collections import deque
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Callable, Collection, Dict, Iterator, List, Sequence

from mmengine.config import Config

from .configs import score_fingerprint, train_fingerprint
from .launch import GRACE, Process, stop_leftovers
from .plan import Member, Study
from .progress import Progress, short
from .records import place
from .state import DONE, FAILED, INTERRUPTED, TESTING, TRAINED, TRAINING, Folder, State, changed, next_stage


@dataclass
class Job:
    """A member that runs now."""
    member: Member
    folder: Folder
    state: State
    stage: str
    process: Process
    slot: int


class Changed(ValueError):
    """Finished work would be overwritten."""


class Scheduler:
    """Runs members of a study with a launcher (see :class:`~.launch.Launcher`) in the folder ``out``.

    Raises:
        Changed: By :meth:`check`, if finished or begun members belong to another config.
    """

    def __init__(self, study: Study, out: Path, configs: Dict[str, Config], launcher, progress: Progress,
                 score: Callable[[Folder], str] = lambda folder: ''):
        self.study, self.out, self.launcher, self.progress, self.score = study, Path(out), launcher, progress, score
        self.prints = {
            name: (train_fingerprint(config, study.checkpoint), score_fingerprint(config, study.checkpoint))
            for name, config in configs.items()
        }
        self.pause = 0.5  # seconds between looks at the processes

    def folder(self, member: Member) -> Folder:
        return Folder(self.out, member.name)

    def config(self, member: Member) -> Path:
        return self.out / 'configs' / f'{member.name}.py'

    def check(self, members: Sequence[Member]) -> None:
        reasons = []
        for member in members:
            folder = self.folder(member)
            reasons.append(changed(folder.read(), folder, *self.prints[member.name]))
        if any(reasons):
            raise Changed('\n'.join(filter(None, reasons)))

    def run(self, members: Sequence[Member]) -> bool:
        """Run what is not done, ``launcher.jobs`` at once; True if all members are done afterwards.

        An interrupt ends the running commands, notes that, and is raised again. When the launcher's time is over
        nothing new begins, and what has not ended :data:`~.launch.GRACE` seconds later is ended, to go on next time.
        """
        queue = deque(m for m in members if next_stage(self.folder(m).read()))
        slots = list(range(self.launcher.jobs))
        running: List[Job] = []
        self.progress.begin(members, {m.name: self.folder(m) for m in members})
        try:
            with ended_by_signals():
                while queue or running:
                    if self._late():
                        queue.clear()
                    while queue and slots:
                        self._begin(queue.popleft(), slots.pop(0), running, slots)
                    for job in list(running):
                        if job.process.poll() is not None:
                            running.remove(job)
                            self._end(job, running, slots)
                        elif self._late(GRACE):
                            running.remove(job)
                            self._interrupt(job, grace=1.)
                    self.progress.show([job.member.name for job in running])
                    time.sleep(self.pause)
        except BaseException:
            with ended_by_signals(ignore=True):  # a second Ctrl-C must not leave processes behind
                for job in running:
                    self._interrupt(job)
            raise
        finally:
            self.progress.close()
        return all(self.folder(m).read().status == DONE for m in members)

    def _begin(self, member: Member, slot: int, running: List[Job], slots: List[int]) -> None:
        folder = self.folder(member)
        state = folder.read()
        if state.status in (TRAINING, TESTING):  # whoever ran it did not live to note its end
            if stop_leftovers(state.process_group, folder):
                self.progress.say(f'ended what an earlier run left behind of {member.name}')
            elif state.host not in ('', socket.gethostname()):
                self.progress.say(f'{member.name} was last running on {state.host}; taken for ended, as its study is')
        if not state.trained and folder.train.exists() and folder.last_checkpoint() is None:
            folder.move_aside('train')  # logs of an attempt that saved nothing
        state.train_fingerprint, state.score_fingerprint = self.prints[member.name]
        state.attempts += 1
        state.host, state.failure = socket.gethostname(), {}
        self._stage(Job(member, folder, state, next_stage(state), None, slot), running, slots)

    def _stage(self, job: Job, running: List[Job], slots: List[int]) -> None:
        config = self.config(job.member)
        said = f'training {job.member.name}'
        try:
            if job.stage == 'train':
                resume = job.folder.point_to_last_checkpoint()
                if resume:
                    said += f', resumed from {job.folder.last_checkpoint().name}'
                command = self.launcher.train(config, job.folder, resume)
            else:
                said = f'testing {job.member.name}'
                if job.folder.test.exists():
                    job.folder.move_aside('test')
                checkpoint = job.folder.tested_checkpoint(self.study.checkpoint)
                command = self.launcher.test(config, job.folder, checkpoint)
            job.process = Process(command, job.folder.log, self.launcher.environment(job.slot))
        except OSError as error:  # no checkpoint, no mim, no space
            self._fail(job, dict(stage=job.stage, reason=f'{type(error).__name__}: {error}', lines=''))
            slots.append(job.slot)
            return
        job.state.status = TRAINING if job.stage == 'train' else TESTING
        job.state.commands[job.stage] = command
        job.state.process_group = job.process.group
        job.folder.write(job.state)
        running.append(job)
        self.progress.say(said)

    def _end(self, job: Job, running: List[Job], slots: List[int]) -> None:
        """Note how a command ended, and go on with the member's next one."""
        code, state = job.process.poll(), job.state
        job.process.stop()  # a command that was killed may have left children
        self._note_time(job)
        if code and job.process.stopped_in_time(code):
            self._note_interrupt(job)
            self.progress.say(f'{job.member.name} stopped in time; the same command goes on with it')
        elif code:
            self._fail(job, job.process.failure(job.stage, code))
        elif job.stage == 'train':
            state.status, state.trained = TRAINED, True
            state.made = place(self.launcher.environment(job.slot).get('OMP_NUM_THREADS'))
            job.folder.write(state)
            job.stage = 'test'
            if not self._late():
                self._stage(job, running, slots)
                return
        else:
            state.status = DONE
            job.folder.write(state)
            self.progress.done(job.member.name, state.seconds, self.score(job.folder))
        slots.append(job.slot)

    def _fail(self, job: Job, failure: Dict[str, str]) -> None:
        job.state.status, job.state.failure, job.state.process_group = FAILED, failure, 0
        job.folder.write(job.state)
        self.progress.failed(job.member.name, f'{job.stage}: {short(failure["reason"])} (log: {job.folder.log})')

    def _interrupt(self, job: Job, **how) -> None:
        job.process.stop(**how)
        self._note_time(job)
        self._note_interrupt(job)

    def _note_interrupt(self, job: Job) -> None:
        job.state.status = INTERRUPTED
        job.folder.write(job.state)

    def _late(self, grace: float = 0.) -> bool:
        return self.launcher.until is not None and time.time() > self.launcher.until + grace

    @staticmethod
    def _note_time(job: Job) -> None:
        job.state.process_group = 0
        job.state.seconds[job.stage] = job.state.seconds.get(job.stage, 0.) + job.process.seconds()


@contextmanager
def ended_by_signals(ignore: bool = False) -> Iterator[None]:
    """Let a termination or a lost terminal end the study as Ctrl-C does; or nothing of all that."""

    def interrupt(number, frame):
        raise KeyboardInterrupt

    names = [s for s in ('SIGINT', 'SIGTERM', 'SIGHUP') if hasattr(signal, s)]
    before = {getattr(signal, s): signal.getsignal(getattr(signal, s)) for s in names}
    for number in before:
        signal.signal(number, signal.SIG_IGN if ignore else interrupt)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler or signal.SIG_DFL)


def dry_run(study: Study, scheduler: Scheduler, members: Sequence[Member], elsewhere: Collection[str] = ()) -> str:
    """The plan: every member, what is done of it here or ``elsewhere``, and the commands still to run."""
    launcher, lines = scheduler.launcher, []
    lines.append(f'{study.title}: {len(study.members)} members ({len(study.groups)} combinations x {len(study.seeds)} '
                 f'seeds), {len(members)} selected, {launcher.jobs} at once, into {scheduler.out}')
    for member in members:
        folder = scheduler.folder(member)
        state = folder.read()
        mark = ' (baseline)' if member.group == study.baseline_group else ''
        if member.name in elsewhere and not folder.known:
            lines.append(f'\n{member.name}{mark}: done elsewhere')
            continue
        lines.append(f'\n{member.name}{mark}: {state.status}')
        lines.append(f'  config  {scheduler.config(member)}')
        problem = changed(state, folder, *scheduler.prints[member.name])
        if problem:
            lines.append(f'  refused {problem}')
        stage = next_stage(state)
        if stage == 'train':
            resume = folder.last_checkpoint() is not None
            lines.append(f'  train   {_typed(launcher.train(scheduler.config(member), folder, resume))}')
        if stage:
            path = folder.train / ('best_*.pth' if study.checkpoint == 'best' else 'iter_*.pth')
            path = folder.tested_checkpoint(study.checkpoint) if state.trained else path
            lines.append(f'  test    {_typed(launcher.test(scheduler.config(member), folder, path))}')
    return '\n'.join(lines)


def _typed(words: Sequence[str]) -> str:
    return shlex.join(words[2:] if words[1:3] == ['-m', 'mim'] else words)
