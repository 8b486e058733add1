"""Stands in for ``mim train`` and ``mim test``: writes what they write, in no time, and fails when told to.

``fake_mim.py train|test CONFIG FOLDER [--resume] [--checkpoint FILE]``. What happens is in ``CONFIG.behave``, JSON:
``fail`` (a stage), ``hang`` (a stage), ``die`` (a stage, killed), ``late`` (a stage, out of time), each once unless
``always``.
"""
import json
import os
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path

CLASSES = ('sky', 'road', 'pole & <sign>')


def save(folder: Path, step: int) -> None:
    with zipfile.ZipFile(folder / f'iter_{step}.pth', 'w') as file:
        file.writestr('step', str(step))
    (folder / 'last_checkpoint').write_text(str(folder / f'iter_{step}.pth'))


def train(folder: Path, resume: bool, behave: str) -> None:
    start = int(Path((folder / 'last_checkpoint').read_text()).stem[5:]) if resume else 0
    stamp = folder / f'2026010{start // 50 + 1}_000000' / 'vis_data'
    stamp.mkdir(parents=True)
    with open(stamp / 'scalars.json', 'a') as log:
        for step in range(start + 10, 101, 10):
            log.write(json.dumps(dict(lr=.01, loss=100. / step, time=.1, iter=step, step=step)) + '\n')
            if step % 50 == 0:
                log.write(json.dumps(dict(aAcc=60., mIoU=step / 4, mAcc=30., time=.1, step=step)) + '\n')
                save(folder, step)
                log.flush()
                misbehave(behave)


def test(folder: Path, value: float) -> None:
    stamp = folder / '20260101_000000'
    stamp.mkdir(parents=True)
    (stamp / '20260101_000000.json').write_text(
        json.dumps(dict(aAcc=70.5, mIoU=value, mAcc=40., mBIoU=value / 2, data_time=.1, time=.2)))
    rows = ''.join(f'| {name} | {value + i} | {50 + i} |\n' for i, name in enumerate(CLASSES))
    (stamp / '20260101_000000.log').write_text(
        f'per class results:\n+---+---+---+\n| Class | IoU | Acc |\n+---+---+---+\n{rows}+---+---+---+\nmore\n')


def misbehave(behave: str) -> None:
    if behave == 'fail':
        raise RuntimeError('sizes <3> & 4 do not match')
    if behave == 'hang':
        child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)', sys.argv[3]])
        Path(sys.argv[2]).with_suffix('.hanging').write_text(f'{os.getpid()} {child.pid}')
        time.sleep(60)
    if behave == 'late':
        print("subprocess.CalledProcessError: Command 'train.py' returned non-zero exit status 75.")
        sys.exit(1)
    if behave == 'die':
        os.kill(os.getpid(), signal.SIGKILL)


def main() -> None:
    stage, config, folder = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
    with open(config.with_suffix('.calls'), 'a') as calls:
        calls.write(' '.join([stage, *sys.argv[4:]]) + '\n')
    plan = config.with_suffix('.behave')
    behave = json.loads(plan.read_text()) if plan.exists() else {}
    todo = next((what for what in ('fail', 'hang', 'die', 'late') if behave.get(what) == stage), '')
    if todo and not behave.get('always'):
        plan.unlink()
    if stage == 'train':
        train(folder, '--resume' in sys.argv, todo)
    else:
        misbehave(todo)
        settings = {}
        exec(config.read_text(), settings)
        test(folder, behave.get('score', 30.) + settings['randomness']['seed'])


if __name__ == '__main__':
    main()
