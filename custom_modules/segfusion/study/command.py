"""The command: expand a study, run its members, write its report."""
import argparse
import fnmatch
import shlex
import sys
import time
import traceback
from pathlib import Path
from typing import List, Optional

from ..datasets.files import write_whole
from .configs import merged_configs, write_configs
from .costs import measure_costs
from .curves import draw_curves
from .examples import collect
from .launch import GRACE, Launcher, visible_devices
from .plan import Member, Study, load_study
from .progress import Progress
from .records import as_json, committed, fitting, merge, publish, read_records, record_of, take_in
from .report_html import html_page
from .report_markdown import markdown, tables
from .results import read_test
from .run import Changed, Scheduler, dry_run
from .state import TRAINED, Busy, Folder, State, lock
from .summary import Summary, content, summarise

EPILOG = """
Arguments after -- go to mim train and mim test alike, e.g. those of a cluster:
  python tools/study.py projects/fusion_grid/study_camvid.py --launcher slurm -- -p PARTITION --gpus 4 --gpus-per-node 4
The same command goes on where it stopped. Exit status: 0 all members done, 1 some failed, 2 refused, 130 interrupted.
"""


def parser() -> argparse.ArgumentParser:
    p = argparse.ArgumentParser(prog='study.py', description='Train, test and compare every member of a study.',
                                epilog=EPILOG, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument('study', help='a study file, or a folder with study.py')
    p.add_argument('--out', help='folder for everything; defaults to work_dirs/<name of the study>')
    p.add_argument('--jobs', type=int, default=1, help='members at once (default 1)')
    p.add_argument('--gpus-per-member', type=int, help='defaults to 1 where there are GPUs, else 0; 0 lets all share')
    p.add_argument('--launcher', choices=['none', 'pytorch', 'slurm'], default='none', help="mim's")
    p.add_argument('--train-args', default='', help='further arguments of mim train, one string, e.g. "--amp"')
    p.add_argument('--test-args', default='', help='further arguments of mim test, one string')
    p.add_argument('--only', action='append', metavar='PATTERN', help='run only members so named, e.g. "flow_*_seed0"')
    p.add_argument('--fresh', action='append', metavar='PATTERN', default=[],
                   help='train these again from the start; what they have is moved aside')
    p.add_argument('--retest', action='append', metavar='PATTERN', default=[],
                   help='test these again with the weights they have; old scores are moved aside')
    p.add_argument('--dry-run', action='store_true', help='print the plan and the commands, change nothing')
    p.add_argument('--report-only', action='store_true', help='write the report of what there is, run nothing')
    p.add_argument('--no-report', action='store_true', help='run the members, write no report')
    p.add_argument('--minutes', type=float, help='stop in time: trainings save and end, the same command goes on later')
    p.add_argument('--merge', nargs='+', type=Path, default=[], metavar='FILE',
                   help='result files of the same study from other machines: what they have is done')
    p.add_argument('--publish', action='store_true',
                   help='also write the results beside the study, where pages and other machines find them')
    return p


def main(argv: Optional[List[str]] = None) -> int:
    argv = list(sys.argv[1:] if argv is None else argv)
    extra = argv[argv.index('--') + 1:] if '--' in argv else []
    args = parser().parse_args(argv[:len(argv) - len(extra) - ('--' in argv)])
    try:
        return _main(args, extra, argv)
    except (ValueError, FileNotFoundError, Busy) as error:
        print(f'study: {error}', file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print('\nstudy: interrupted; the same command goes on from the last checkpoints', file=sys.stderr)
        return 130


def _main(args: argparse.Namespace, extra: List[str], argv: List[str]) -> int:
    study = load_study(args.study)
    out = Path(args.out or Path('work_dirs') / study.name)
    configs = merged_configs(study)
    members = select(study, args.only)
    command = f'python tools/study.py {shlex.join(typed(argv))}'
    known = fitting(study, configs, merge([committed(study), *args.merge]))
    if args.report_only:
        with lock(out):
            take_in(study, configs, known, out)
        write_report(study, configs, out, command, args.publish)
        return 0
    devices = visible_devices()
    wanted = args.gpus_per_member
    launcher = Launcher(args.launcher, extra, shlex.split(args.train_args), shlex.split(args.test_args),
                        (1 if devices and args.launcher != 'slurm' else 0) if wanted is None else wanted, devices,
                        args.jobs, args.minutes and time.time() + 60 * args.minutes - GRACE)
    progress = Progress({name: length(config) for name, config in configs.items()}, args.jobs)
    scheduler = Scheduler(study, out, configs, launcher, progress, lambda folder: headline(folder, study.metric))
    if args.dry_run:
        print(dry_run(study, scheduler, members, known))
        return 0
    with lock(out):
        taken = take_in(study, configs, known, out)
        if taken:
            print(f'study: {len(taken)} members are done elsewhere: {", ".join(taken)}')
        for pattern in args.fresh:
            make_fresh(select(study, [pattern]), out)
        for pattern in args.retest:
            make_retest(select(study, [pattern]), out)
        try:
            scheduler.check(members)
        except Changed as error:
            print(f'study: nothing was run, because finished work would be lost:\n{error}', file=sys.stderr)
            return 2
        write_configs(study, out / 'configs')
        good = scheduler.run(members)
        if args.publish or not args.no_report:
            write_report(study, configs, out, command, args.publish)
    return 0 if good else 1


def typed(argv: List[str]) -> List[str]:
    """The arguments that make the same study again."""
    words, left = [], iter(argv)
    for word in left:
        if word == '--minutes':
            next(left, None)
        elif word not in ('--report-only', '--dry-run', '--publish'):
            words.append(word)
    return words


def select(study: Study, patterns: Optional[List[str]]) -> List[Member]:
    """Members whose name or combination matches one of the patterns.

    Raises:
        ValueError: If a pattern matches none.
    """
    if not patterns:
        return study.members
    for pattern in patterns:
        if not any(_matches(m, pattern) for m in study.members):
            raise ValueError(f'no member is named {pattern!r}; there are ' + ', '.join(m.name for m in study.members))
    return [m for m in study.members if any(_matches(m, pattern) for pattern in patterns)]


def _matches(member: Member, pattern: str) -> bool:
    return fnmatch.fnmatchcase(member.name, pattern) or fnmatch.fnmatchcase(member.group, pattern)


def make_fresh(members: List[Member], out: Path) -> None:
    for member in members:
        folder = Folder(out, member.name)
        if folder.root.exists():
            print(f'study: moved {folder.root} to {folder.move_aside()}')
            folder.write(State())  # pending, also where it is done elsewhere


def make_retest(members: List[Member], out: Path) -> None:
    for member in members:
        folder = Folder(out, member.name)
        state = folder.read()
        if folder.record.exists():
            raise ValueError(f'{member.name} was trained elsewhere, so there are no weights to test again here; to '
                             f'train it anew, use --fresh {member.name}')
        if not state.trained:
            continue
        if folder.test.exists():
            print(f'study: moved {folder.test} to {folder.move_aside("test")}')
        state.status = TRAINED
        folder.write(state)


def length(config) -> int:
    """Iterations of a training, or epochs."""
    loop = config.get('train_cfg') or {}
    return loop.get('max_iters') or loop.get('max_epochs') or 1


def headline(folder: Folder, metric: str) -> str:
    metrics, _ = read_test(folder.test)
    return f'{metric} {metrics[metric]:.2f}' if metric in metrics else ''


def gather(study: Study, configs, out: Path, command: str) -> Summary:
    """What the members say; costs and images are added by :func:`write_report`."""
    summary = summarise(study, out, command)
    records = {m.name: record_of(Folder(out, m.name), configs[m.name], study.checkpoint) for m in study.members}
    summary.records = {name: record for name, record in records.items() if record}
    return summary


def write_report(study: Study, configs, out: Path, command: str, to_commit: bool = False) -> Summary:
    """``report.md``, ``report.html`` and ``results.json``; a part that fails is named and does not stop the rest."""

    def say(text: str) -> None:
        print(f'[study] {text}', flush=True)

    summary = gather(study, configs, out, command)
    gallery = None
    try:
        costs, summary.environment, summary.cost_note = measure_costs(study, configs, out, say)
        for row in summary.rows:
            row.cost = costs.get(row.name, {})
    except Exception as error:
        traceback.print_exc()
        summary.notes.append(f'Costs could not be measured: {type(error).__name__}: {error}')
    try:
        gallery = collect(study, configs, out, say)
    except Exception as error:
        traceback.print_exc()
        summary.notes.append(f'Images could not be drawn: {type(error).__name__}: {error}')
    out.mkdir(parents=True, exist_ok=True)
    found = content(summary, tables(summary))
    write_whole(out / 'results.json', as_json(found))
    write_whole(out / 'report.md', markdown(summary))
    write_whole(out / 'report.html', html_page(summary, gallery))
    say(f'wrote {out / "report.md"} and {out / "report.html"}')
    if to_commit:
        publish(found, committed(study))
        picture = study.path.with_name(study.path.stem.replace('study', 'curves', 1) + '.png')
        draw_curves(study.members, read_records(committed(study)), study.metric).savefig(picture)
        say(f'wrote {committed(study)} and {picture.name}; now run tools/update_tables.py')
    return summary
