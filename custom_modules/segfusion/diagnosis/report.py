"""What the doctor prints. Standard library only."""
import re
import sys
from pathlib import Path
from typing import Iterator, List, Sequence

from .environment import FAMILIES, Environment, survey
from .live import Step, run_steps
from .rules import Finding, examine

ROWS = ('torch', 'torchvision', 'mmengine', 'mmcv', 'mmseg', 'mmpretrain', 'mmdet', 'mim', 'numpy', 'cv2', 'setuptools')
MARKS = dict(ok='  ok   ', warning='  WARN ', error='  FAIL ')
COLOURS = dict(ok='32', warning='33', error='31')


def examine_and_print(config: str, options: Sequence[str], root: Path, versions_only: bool = False) -> int:
    """Survey, rules, then the steps of :mod:`.live`; returns the exit code."""
    env = survey()
    findings = examine(env)
    _print(version_lines(env))
    if not versions_only:
        print('\nchecking imports and the config (some seconds) ...\n', flush=True)
    steps = [] if versions_only else run_steps(config, list(options), root)
    _print(step_lines(steps))
    _print(advice_lines(findings, steps))
    return int(any(f.level == 'error' for f in findings) or any(s.status == 'error' for s in steps))


def version_lines(env: Environment) -> Iterator[str]:
    """A line for everything that is installed, and for what is not."""
    yield f'{"python":<12}{".".join(map(str, env.python)):<12}{sys.executable}'
    for name in ROWS:
        found = env.installed(name)
        versions = ' AND '.join(f'{env.versions[d]}' for d in found) or 'missing'
        notes = [' AND '.join(found)] if found and name in FAMILIES else []
        if name == 'mmcv' and found:
            notes.append('with compiled operators' if env.compiled_ops else 'without compiled operators (none needed)')
        if name == 'mmdet' and not found:
            notes.append('needed by MaskFormer only')
        if name == 'torch' and found:
            notes.append(f'built for CUDA {env.torch_cuda}' if env.torch_cuda else 'CPU build')
        yield f'{name:<12}{versions:<12}{", ".join(notes)}'.rstrip()
    yield f'{"GPU driver":<12}{env.driver or "none"}'
    place = env.places.get('segfusion')
    yield f'{"segfusion":<12}{env.versions.get("segfusion", "-"):<12}{place.folder if place else "not on the path"}'


def step_lines(steps: Sequence[Step]) -> Iterator[str]:
    for step in steps:
        yield f'{_paint(step.status)} {step.name:<18} {step.text}'


def advice_lines(findings: Sequence[Finding], steps: Sequence[Step]) -> List[str]:
    """What to do, errors first; one fix is printed once."""
    lines, seen = [''], set()
    known = ' '.join(f.text for f in findings)
    for level, text, fix in [*((f.level, f.text, f.fix) for f in findings),
                             *((s.status, f'{s.name}: {s.text}', s.fix) for s in steps if s.status != 'ok')]:
        lost = re.search(r"No module named '(\w+)", text)
        if fix in seen or lost and lost.group(1) in known:
            continue  # said already
        seen.update([fix] if fix else [])
        lines += [f'{_paint(level)} {text}'] + ([f'        fix: {fix}'] if fix else [])
    broken = sum(f.level == 'error' for f in findings) + sum(s.status == 'error' for s in steps)
    lines.append('' if len(lines) > 1 else 'no known problem with these versions')
    return lines + ([f'{broken} broken; repair the first one and run this again'] if broken else ['nothing is broken'])


def _paint(status: str) -> str:
    return f'\x1b[{COLOURS[status]}m{MARKS[status]}\x1b[0m' if sys.stdout.isatty() else MARKS[status]


def _print(lines) -> None:
    print('\n'.join(lines), flush=True)
