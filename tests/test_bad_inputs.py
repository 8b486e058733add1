"""Every row of docs/bad_inputs.md is what a user sees. After changing a message or adding a case:

    UPDATE_BAD_INPUTS=1 python -m pytest tests/test_bad_inputs.py
"""
import os
import re
import traceback
from pathlib import Path

import pytest

from tests.bad_inputs import CASES

ROOT = Path(__file__).parents[1]
TABLE = ROOT / 'docs' / 'bad_inputs.md'
AREAS = ('Names', 'Channels', 'Combinations', 'Parts', 'Classes', 'Labels', 'Files', 'Checkpoints', 'CRF', 'Commands')
LONGEST = 400  # characters of a message; what is longer ends in a list of everything there is
HEAD = """# What you see when something is wrong

Each row was produced by a test (`tests/bad_inputs`), and a test compares this page with what is raised, so it is what
you see. Every message comes from this package, not from the depths of PyTorch. `/data` stands for your folder, long
lists are cut. Regenerate the page with
`UPDATE_BAD_INPUTS=1 python -m pytest tests/test_bad_inputs.py`.
"""


def message(case, folder):
    """(message, file that raised it) of a case, without what differs from machine to machine."""
    with pytest.raises((ValueError, TypeError, RuntimeError, ArithmeticError, OSError, SystemExit)) as caught:
        case.run(folder)
    text = str(caught.value).replace(str(folder), '/data').replace(f'{ROOT}/', '')
    text = re.sub(r'\s+', ' ', text).replace('|', r'\|')
    text = text if len(text) <= LONGEST else f'{text[:LONGEST]} ...'
    return f'{caught.type.__name__}: {text}', Path(traceback.extract_tb(caught.tb)[-1].filename)


def rows():
    found = {}
    for line in TABLE.read_text().splitlines():
        cells = re.split(r'(?<!\\)\|', line)
        if len(cells) == 4 and '---' not in line:
            found[cells[1].strip()] = cells[2].strip()
    return found


def write(messages):
    lines = [HEAD]
    for area in AREAS:
        lines += [f'## {area}', '', '| what was done | what you see |', '| --- | --- |']
        lines += [f'| {case.done} | {messages[case]} |' for case in CASES if case.area == area] + ['']
    TABLE.write_text('\n'.join(lines))


def test_table_is_up_to_date(tmp_path):
    """There is a row for every case and a case for every row; with the variable set, it is written."""
    if os.environ.get('UPDATE_BAD_INPUTS'):
        folders = {}
        for i, case in enumerate(CASES):
            folders[case] = tmp_path / str(i)
            folders[case].mkdir()
        write({case: message(case, folders[case])[0] for case in CASES})
    done = [case.done for case in CASES]
    assert len(done) == len(set(done)) >= 40 and {case.area for case in CASES} == set(AREAS)
    assert set(rows()) - {'what was done'} == set(done)


@pytest.mark.parametrize('case', CASES, ids=lambda case: case.done[:60])
def test_message(case, tmp_path, monkeypatch):
    monkeypatch.chdir(ROOT)
    text, raised_in = message(case, tmp_path)
    assert text == rows()[case.done]
    assert raised_in.is_relative_to(ROOT / 'custom_modules' / 'segfusion'), f'{raised_in} raised it, not we'
