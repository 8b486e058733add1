"""What waits for a GPU, in one command that ends in time and goes on when it is given again.

Three parts: the tests of ``tests/gpu``, the speed of networks, loading and CRF, and the trainings of a study. Each has
its share of the time, runs in processes of its own that are ended when it is over, and leaves what it found on disk at
once. ``benchmarks/on_gpu.py`` is the command line.
"""
import argparse
import json
import os
import shlex
import signal
import sys
import time
import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass
from pathlib import Path
from typing import Callable, Dict, List, Optional, Sequence

import torch

from ..datasets.decoded import decode_folder
from ..datasets.files import write_whole
from ..diagnosis.loading import shipped
from ..diagnosis.race import ResultFile, markdown_table
from ..diagnosis.speed import Budget, crf_table, loading_table, network_tables, networks
from .command import gather, select
from .configs import merged_configs
from .launch import Process, stop_leftovers, usable_cores
from .plan import load_study
from .records import as_json
from .report_markdown import tables
from .run import ended_by_signals
from .state import DONE, FAILED, Folder
from .summary import content

STUDY = 'projects/camvid_classics'
NETWORKS = {
    'SFNet-R18': 'configs/sfnet/sfnet_r18_8xb2-300e_cityscapes-1024x1024.py',
    'SFNet-Lite-R18': 'configs/sfnet_lite/sfnet-lite_r18_8xb2-1000e_cityscapes-1024x1024.py',
    'SFNet-Lite-STDC1': 'configs/sfnet_lite/sfnet-lite_stdc1_8xb2-1000e_cityscapes-1024x1024.py',
    'SFNet-Lite-STDC2': 'configs/sfnet_lite/sfnet-lite_stdc2_8xb2-1000e_cityscapes-1024x1024.py',
    'AlignSeg-R50': 'configs/_base_/models/alignseg_r50.py',
    'GFF-R50': 'configs/_base_/models/gff_r50-d8.py',
    'BiSeNetV2': 'configs/bisenetv2/bisenetv2_4xb4-160k-scratch_cityscapes-1024x1024.py',
    'STDC2': 'configs/stdc/stdc2_4xb12-80k_cityscapes-512x1024.py',
    'DDRNet-23-slim': 'configs/ddrnet/ddrnet_23-slim_2xb6-120k_cityscapes-1024x1024.py',
    'PIDNet-S': 'configs/pidnet/pidnet-s_2xb6-120k_cityscapes-1024x1024.py',
}
LOADED = 'configs/sfnet/sfnet_r18_1xb8-20k-scratch_camvid-360x480.py'
SHARES = dict(tests=0.2, speed=0.3, train=0.5)
LEAVE = 8.  # seconds in which a part that is asked to end must have ended
AFTER = 12.  # seconds kept for writing what the last part found


def parser() -> argparse.ArgumentParser:
    p = argparse.ArgumentParser(prog='on_gpu.py', description=__doc__.split('\n')[0])
    p.add_argument('--minutes', type=float, required=True, help='wall time of everything together')
    p.add_argument('--out', type=Path, required=True, help='folder for six small files: results.json, results.md, ...')
    p.add_argument('--state', type=Path, help='folder for checkpoints, large; defaults to OUT/state')
    p.add_argument('--parts', nargs='+', choices=list(SHARES), default=list(SHARES), help='in this order')
    p.add_argument('--tests', default='', metavar='EXPR', help="only these tests, as pytest's -k has them")
    p.add_argument('--members', nargs='+', default=['*_seed0'], metavar='PATTERN', help='members of the study to train')
    p.add_argument('--jobs', type=int, help='trainings side by side; defaults to a quarter of the cores')
    p.add_argument('--study', default=STUDY, help=f'what to train (default {STUDY})')
    p.add_argument('--options', nargs='+', default=[], metavar='KEY=VALUE',
                   help="mim's --cfg-options of the trainings, e.g. train_cfg.val_interval=5000")
    p.add_argument('--rehearse', action='store_true', help='everything on the processor, tiny and short')
    p.add_argument('--measure-until', type=float, help=argparse.SUPPRESS)  # the speed part itself
    return p


@dataclass
class Part:
    """A share of the time; ``command`` is told when it ends, ``collect`` says what it found, also if it was cut off."""
    name: str
    share: float
    command: Callable[[float], List[str]]
    collect: Callable[[], dict]
    environment: Dict[str, str]
    again: bool = False  # also if it was done: it knows itself what is left


def main(argv: Optional[List[str]] = None) -> int:
    """0 if every part is done, 1 if something failed or is to be continued, 2 without a GPU, 130 if interrupted."""
    start = time.time()
    argv = list(sys.argv[1:] if argv is None else argv)
    args = parser().parse_args(argv)
    args.state = args.state or args.out / 'state'
    if args.measure_until:
        measure(args, args.measure_until)
        return 0
    if not args.rehearse and not torch.cuda.is_available():
        print('on_gpu: no CUDA device was found; --rehearse goes through all of it on the processor', file=sys.stderr)
        return 2
    command = f'python benchmarks/on_gpu.py {shlex.join(argv)}'
    parts = [part for part in plan(args, argv) if part.name in args.parts]
    if args.parts != ['tests']:
        for folder in data_of(args).values():
            decode_folder(os.environ['CAMVID_ROOT'], folder)
    return run(parts, args.out, start + 60 * args.minutes, command, 'cpu' if args.rehearse else 'cuda')


def plan(args: argparse.Namespace, argv: Sequence[str]) -> List[Part]:
    """The three parts as commands."""
    cores = 1 if args.rehearse else usable_cores()
    jobs = args.jobs or max(cores // 4, 1)
    study = load_study(args.study)
    work = args.state / study.name

    def tests(until: float) -> List[str]:
        return [sys.executable, '-m', 'pytest', str(shipped('tests/gpu')), '-q', '-p', 'no:cacheprovider',
                f'--junitxml={args.out / "tests.xml"}', *(['-k', args.tests] if args.tests else [])]

    def speed(until: float) -> List[str]:
        return [sys.executable, str(shipped('benchmarks/on_gpu.py')), *argv, '--measure-until', f'{until - 2:.0f}']

    def train(until: float) -> List[str]:
        loading = ['val_dataloader.num_workers=1', f'train_dataloader.num_workers={max(cores // jobs - 1, 1)}',
                   'default_hooks.checkpoint.interval=1000', 'default_hooks.checkpoint.max_keep_ckpts=1', *args.options]
        tested = []
        if args.rehearse:
            loading += ['train_dataloader.batch_size=2', 'train_cfg.max_iters=2', 'val_dataloader.dataset.indices=2']
            tested = ['--test-args', '--cfg-options test_dataloader.dataset.indices=2']
        only = [word for pattern in args.members for word in ('--only', pattern)]
        return [sys.executable, str(shipped('tools/study.py')), args.study, '--out', str(work), '--jobs', str(jobs),
                '--gpus-per-member', '0', '--no-report', '--minutes', f'{(until - time.time() - 10.) / 60:.2f}', *only,
                '--train-args', f'--cfg-options {" ".join(loading)}', *tested]

    def trained() -> dict:
        found = gather(study, merged_configs(study), work, f'python tools/study.py {args.study}')
        write_whole(args.out / 'training.json', as_json(content(found, tables(found))))
        folders = [Folder(work, m.name) for m in study.members]
        for folder in folders:  # members are sessions of their own, so they outlive a study that was killed
            stop_leftovers(folder.read().process_group, folder)
        states = {folder.name: folder.read().status for folder in folders if folder.known}
        failed = [f'{name}: {Folder(work, name).read().failure["reason"]}' for name, s in states.items() if s == FAILED]
        left = any(states.get(member.name) != DONE for member in select(study, args.members))
        status = dict(status='to be continued') if left and not failed else {}  # the study's own code is 1 then
        return dict(status, done=list(states.values()).count(DONE), begun=len(states), failed=failed,
                    tables={f'training-{name}': table for name, table in tables(found).items()})

    here = {'SEGFUSION_GPU_TESTS_ON': 'cpu', 'CUDA_VISIBLE_DEVICES': '-1'} if args.rehearse else {}
    package = str(Path(__file__).resolve().parents[2])
    here['PYTHONPATH'] = os.pathsep.join(filter(None, [package, str(shipped('tests').parent),
                                                       os.environ.get('PYTHONPATH')]))
    return [Part('tests', SHARES['tests'], tests, lambda: junit_counts(args.out / 'tests.xml'), here),
            Part('speed', SHARES['speed'], speed, lambda: speed_tables(args.out / 'speed.json'), here),
            Part('train', SHARES['train'], train, trained, here | data_of(args), again=True)]


def data_of(args: argparse.Namespace) -> Dict[str, str]:
    """Where trainings read CamVid: a copy that costs little to decode, if there is CamVid."""
    return {'CAMVID_ROOT': str(args.state / 'camvid')} if Path(os.environ.get('CAMVID_ROOT', ' ')).is_dir() else {}


def run(parts: Sequence[Part], out: Path, until: float, command: str, device: str) -> int:
    """Run the parts that are not done, each until its share of the time that is left is over."""
    out.mkdir(parents=True, exist_ok=True)
    file = ResultFile(out / 'results.json', command, device)
    if file.path.exists():
        known = json.loads(file.path.read_text())
        file.content.update(parts=known.get('parts', {}), tables=known['tables'])
    found = file.content.setdefault('parts', {})
    todo = [part for part in parts if part.again or found.get(part.name, {}).get('status') != 'done']
    try:
        with ended_by_signals():
            for number, part in enumerate(todo):
                left = until - AFTER - time.time()
                seconds = left * part.share / sum(p.share for p in todo[number:])
                found[part.name] = dict(status='no time left') if seconds < 1 else carry_out(
                    part, out / 'log.txt', time.time() + seconds)
                file.content['tables'].update(found[part.name].pop('tables', {}))
                write(file, out)
    except KeyboardInterrupt:
        write(file, out)
        return 130
    return 0 if all(found.get(part.name, {}).get('status') == 'done' for part in parts) else 1


def carry_out(part: Part, log: Path, until: float) -> dict:
    """How a part ended, and what it found: ``status`` is done, failed, cut off, or to be continued."""
    print(f'[{time.strftime("%H:%M:%S")}] {part.name}: {until - time.time():.0f} s', flush=True)
    process = Process(part.command(until - LEAVE), log, dict(os.environ, **part.environment))
    cut = False
    try:
        while process.poll() is None and not cut:
            time.sleep(0.1)
            cut = time.time() > until - LEAVE
    finally:
        code = process.poll()
        process.stop(ask=signal.SIGINT, grace=LEAVE)
    entry = dict(status='cut off' if cut else 'failed' if code else 'done', seconds=round(process.seconds()),
                 command=shlex.join(process.command))
    try:
        entry.update(part.collect())
    except Exception as error:  # the other parts count too
        entry.update(status='failed', reason=f'what it found cannot be read: {type(error).__name__}: {error}')
    if entry['status'] == 'failed' and 'reason' not in entry:
        entry.update(process.failure(part.name, code))
    print(f'[{time.strftime("%H:%M:%S")}] {part.name}: {entry["status"]} {entry.get("reason", "")}', flush=True)
    return entry


def junit_counts(path: Path) -> dict:
    """Counts and failures of a JUnit file; none if the tests were ended before they could write one."""
    if not path.exists():
        return {}
    root = ElementTree.parse(path).getroot()
    suite = root if root.tag == 'testsuite' else root.find('testsuite')
    counts = {name: int(suite.get(name)) for name in ('tests', 'failures', 'errors', 'skipped')}
    broken = {f'{case.get("classname")}::{case.get("name")}': (child.get('message') or '').splitlines()[:1]
              for case in suite.iter('testcase') for child in case if child.tag in ('failure', 'error')}
    return dict(counts, failed=broken, tables=dict(tests=dict(
        columns=list(counts), formats=[''] * len(counts), rows=[list(counts.values())])))


def speed_tables(path: Path) -> dict:
    found = json.loads(path.read_text())['tables'] if path.exists() else {}
    late = any(why == Budget.LATE for _, why in found.get('left-out', {}).get('rows', []))
    return dict(dict(status='to be continued') if late else {}, tables=found)


def measure(args: argparse.Namespace, until: float) -> None:
    """The speed part, in the process that runs it."""
    device = 'cpu' if args.rehearse else 'cuda'
    torch.backends.cudnn.benchmark = True
    results = ResultFile(args.out / 'speed.json', f'python benchmarks/on_gpu.py --minutes {args.minutes:g}', device,
                         tf32=torch.backends.cudnn.allow_tf32, cores=usable_cores())
    if results.path.exists():
        known = json.loads(results.path.read_text())
        if known['machine'] == results.content['machine']:  # else all is measured again
            results.content['tables'].update(known['tables'])
    budget = Budget(until, lambda text: print(text, flush=True))
    chosen = dict(list(NETWORKS.items())[:1] if args.rehearse else NETWORKS)
    cases = [((32, 64), 1)] if args.rehearse else [
        ((512, 1024), 1), ((1024, 2048), 1), ((512, 1024), 8), ((1024, 2048), 8)]
    ways = dict(ways=('float32', 'bfloat16', 'channels-last'), repeats=1) if args.rehearse else {}
    steps = [
        lambda: crf_table((24, 32) if args.rehearse else (375, 500), 21, [1] if args.rehearse else [1, 4, 8], results,
                          budget, device),
        lambda: loading_table(str(shipped(LOADED)), data_of(args).get('CAMVID_ROOT'),
                              [1] if args.rehearse else [1, usable_cores()], 1 if args.rehearse else 40, results,
                              budget),
        lambda: network_tables(networks({n: str(shipped(p)) for n, p in chosen.items()}, device, budget), cases,
                               results, budget, device, **ways)]
    for number, step in enumerate(steps):
        try:
            step()
        except Exception as error:  # e.g. no data to load
            budget.skip(('dense CRF', 'loading', 'networks')[number],
                        f'{type(error).__name__}: {(str(error).splitlines() or [""])[0]}')
    results.content['tables'].pop('left-out', None)
    results.add('left-out', ['what', 'why'], budget.left_out)


def write(file: ResultFile, out: Path) -> None:
    """``results.json`` and ``results.md`` of what is known by now."""
    file.content['seconds'] = round(time.perf_counter() - file.start)
    write_whole(file.path, json.dumps(file.content, indent=1) + '\n')
    machine = ', '.join(f'{key} {value}' for key, value in file.content['machine'].items())
    text = [f'# On {file.content["machine"]["device"]}',
            f'`{file.content["command"]}`; {file.content["date"]}; {machine}.']
    rows = [[name, part['status'], part.get('seconds'), part.get('reason', '')]
            for name, part in file.content['parts'].items()]
    text.append(markdown_table(dict(columns=['part', 'status', 'seconds', 'reason'], formats=[''] * 4, rows=rows)))
    for name, table in file.content['tables'].items():
        text += [f'## {name}', markdown_table(table)]
    write_whole(out / 'results.md', '\n\n'.join(text) + '\n')
