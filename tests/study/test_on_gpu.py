"""Parts that end in time, what they leave on disk, and a rehearsal of all of it."""
import json
import os
import sys
import time
from pathlib import Path

import pytest
import torch
from torch import nn

from segfusion.diagnosis.race import ResultFile
from segfusion.diagnosis.speed import WAYS, Budget, network_tables, networks, prepared
from segfusion.study import on_gpu
from segfusion.study.on_gpu import Part, junit_counts, main, parser, run
from segfusion.study.state import Folder

ROOT = Path(__file__).parents[2]
XML = """<testsuites><testsuite name="pytest" errors="0" failures="1" skipped="1" tests="3">
<testcase classname="tests.gpu.test_ops" name="test_a"/>
<testcase classname="tests.gpu.test_ops" name="test_b">
<failure message="assert 1 &lt; 0&#10;more">t</failure></testcase>
<testcase classname="tests.gpu.test_ops" name="test_c"><skipped message="no"/></testcase></testsuite></testsuites>"""
# As mim, but the fake one of the tests of studies.
MIM = """
import runpy, sys
words = sys.argv
folder = words[words.index('--work-dir') + 1]
sys.argv = [words[0], words[1], words[3], folder, *['--resume'] * ('--resume' in words)]
runpy.run_path({fake!r}, run_name='__main__')
"""


def part(name, code, share=1., collect=dict, **options):
    return Part(name, share, lambda until: [sys.executable, '-S', '-c', code], collect, {}, **options)


def statuses(out):
    return {name: entry['status'] for name, entry in json.loads((out / 'results.json').read_text())['parts'].items()}


@pytest.fixture
def hurried(monkeypatch):
    monkeypatch.setattr(on_gpu, 'LEAVE', 0.5)
    monkeypatch.setattr(on_gpu, 'AFTER', 0.)


def test_a_part_that_fails_or_hangs_does_not_stop_the_rest(tmp_path, hurried):
    table = dict(columns=['a'], formats=[''], rows=[[1]])
    parts = [part('broken', 'raise ValueError("no such <card>")'),
             part('hanging', 'import signal, time; signal.signal(signal.SIGINT, signal.SIG_IGN); time.sleep(60)'),
             part('good', 'print("fine")', collect=lambda: dict(tables=dict(found=table))),
             part('unreadable', '', collect=lambda: {}['x'])]
    start = time.time()
    assert run(parts, tmp_path, start + 8, 'python on_gpu.py', 'cpu') == 1
    assert time.time() - start < 15
    content = json.loads((tmp_path / 'results.json').read_text())
    assert statuses(tmp_path) == dict(broken='failed', hanging='cut off', good='done', unreadable='failed')
    assert content['parts']['broken']['reason'] == 'ValueError: no such <card>'
    assert "KeyError: 'x'" in content['parts']['unreadable']['reason']
    assert content['tables'] == dict(found=table) and content['machine']['device']
    text = (tmp_path / 'results.md').read_text()
    assert '| hanging | cut off |' in text and '## found' in text and 'fine' in (tmp_path / 'log.txt').read_text()


def test_what_is_done_is_not_done_again(tmp_path, hurried):
    def both(mark):
        return [part('once', f'open({str(tmp_path / "once")!r}, "a").write("{mark}")',
                     collect=lambda: dict(tables={mark: dict(columns=[], formats=[], rows=[])})),
                part('always', f'open({str(tmp_path / "always")!r}, "a").write("{mark}")', again=True)]

    for mark in 'ab':
        assert run(both(mark), tmp_path / 'out', time.time() + 20, '', 'cpu') == 0
    assert (tmp_path / 'once').read_text() == 'a' and (tmp_path / 'always').read_text() == 'ab'
    assert list(json.loads((tmp_path / 'out' / 'results.json').read_text())['tables']) == ['a']


def test_no_time_is_said(tmp_path):
    assert run([part('late', '')], tmp_path, time.time(), '', 'cpu') == 1
    assert statuses(tmp_path) == dict(late='no time left')


def test_counts_of_tests(tmp_path):
    (tmp_path / 'x.xml').write_text(XML)
    found = junit_counts(tmp_path / 'x.xml')
    assert found['failed'] == {'tests.gpu.test_ops::test_b': ['assert 1 < 0']}
    assert found['tables']['tests'] == dict(columns=['tests', 'failures', 'errors', 'skipped'], formats=[''] * 4,
                                            rows=[[3, 1, 0, 1]])
    assert junit_counts(tmp_path / 'none.xml') == {}


class Net(nn.Module):

    def __init__(self, broken=False):
        super().__init__()
        self.conv, self.broken, self.calls = nn.Conv2d(3, 4, 3), broken, 0

    def forward(self, x):
        self.calls += 1
        if self.broken:
            raise RuntimeError('out of memory')
        return self.conv(x)


class Slow(Net):

    def forward(self, x):
        time.sleep(0.8)
        return super().forward(x)


def test_ways_give_the_same_numbers():
    net, image = Net().eval(), torch.randn(1, 3, 20, 30)
    expected = net(image)
    for way, tolerance in zip(WAYS[:3], (0, 0.02, 0.02)):
        out = prepared(net, way, image)()
        assert (out.float() - expected).abs().max() <= tolerance * expected.abs().max()
        assert (out.dtype == torch.float32) == (way == 'float32')
    assert out.is_contiguous(memory_format=torch.channels_last) and net.conv.weight.is_contiguous()
    with pytest.raises(ValueError, match="got 'float16'"):
        prepared(net, 'float16', image)


def test_networks_race_and_go_on(tmp_path):
    budget = Budget(time.time() + 100)
    results = ResultFile(tmp_path / 'x.json', '')
    nets = dict(good=Net(), bad=Net(broken=True))
    network_tables(nets, [((20, 30), 2)], results, budget, 'cpu', 2, ways=('float32', 'bfloat16'))
    table = results.content['tables']['speed-20x30-b2']
    good, bad = table['rows']
    assert good[2] == pytest.approx(2e3 / good[1]) and good[4] == pytest.approx(2e3 / good[3]) and bad[1:] == [None] * 4
    assert [what for what, _ in budget.left_out] == [f'bad, {way}, speed-20x30-b2' for way in ('float32', 'bfloat16')]
    calls = nets['good'].calls
    network_tables(dict(good=nets['good']), [((20, 30), 2)], results, budget, 'cpu', 2, ways=('float32', 'bfloat16'))
    assert nets['good'].calls == calls  # known already
    soon = Budget(time.time() + 1.5)
    nets['slow'] = Slow()
    network_tables(dict(slow=nets['slow']), [((8, 8), 1)], results, soon, 'cpu', 2, ways=('float32', ))
    assert soon.left_out == [['slow, float32, speed-8x8-b1', Budget.LATE]]
    late = Budget(time.time() - 1)
    network_tables(nets, [((9, 9), 1)], results, late, 'cpu', 2)
    assert late.left_out[0] == ['speed-9x9-b1, float32 and bfloat16 and channels-last', Budget.LATE]


def test_a_missing_network_is_left_out_by_name():
    budget = Budget(time.time() + 100)
    assert networks({'Gone': 'configs/gone/gone.py'}, 'cpu', budget) == {}
    assert budget.left_out[0][0] == 'Gone' and 'FileNotFoundError' in budget.left_out[0][1]


def test_trainings_that_stopped_in_time_have_not_failed(tmp_path):
    args = parser().parse_args(['--minutes', '1', '--out', str(tmp_path), '--members', 'enet_seed0'])
    args.state = tmp_path / 'state'
    train = on_gpu.plan(args, [])[-1]
    folder = Folder(args.state / 'camvid_classics', 'enet_seed0')
    seen = []
    for status, failure in (('interrupted', {}), ('failed', dict(reason='out of memory')), ('done', {})):
        state = folder.read()
        state.status, state.failure = status, failure
        folder.write(state)
        found = train.collect()
        seen.append((found.get('status'), found['failed']))
    assert seen == [('to be continued', []), (None, ['enet_seed0: out of memory']), (None, [])]


def test_without_a_device_it_says_what_to_do(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: False)
    assert main(['--minutes', '1', '--out', str(tmp_path)]) == 2
    assert '--rehearse' in capsys.readouterr().err and not list(tmp_path.iterdir())


@pytest.mark.slow
def test_rehearsal(tmp_path, monkeypatch):
    """The real tests and the real study command; trainings by the fake mim, speed in this process."""
    (tmp_path / 'fake' / 'mim').mkdir(parents=True)
    (tmp_path / 'fake' / 'mim' / '__init__.py').touch()
    (tmp_path / 'fake' / 'mim' / '__main__.py').write_text(MIM.format(fake=str(ROOT / 'tests/study/fake_mim.py')))
    monkeypatch.setenv('PYTHONPATH', os.pathsep.join(filter(None, [str(tmp_path / 'fake'),
                                                                   os.environ.get('PYTHONPATH')])))
    monkeypatch.setenv('CAMVID_ROOT', str(tmp_path / 'none'))
    out = tmp_path / 'out'
    words = ['--minutes', '60', '--out', str(out), '--rehearse', '--members', 'enet_seed0']
    on_gpu.measure(parser().parse_args([*words, '--measure-until', '1']), time.time() + 3000)
    speed = json.loads((out / 'speed.json').read_text())['tables']
    assert {'crf-24x32x21', 'speed-32x64-b1', 'left-out'} == set(speed)
    assert [what for what, _ in speed['left-out']['rows']] == ['loading']  # there is no such folder
    assert speed['speed-32x64-b1']['rows'][0][0] == 'SFNet-R18' and None not in speed['speed-32x64-b1']['rows'][0]

    assert main([*words, '--tests', 'same_bits_twice', '--parts', 'tests', 'train']) == 0
    content = json.loads((out / 'results.json').read_text())
    assert content['tables']['tests']['rows'] == [[1, 0, 0, 0]]
    assert content['parts']['train']['done'] == content['parts']['train']['begun'] == 1
    training = json.loads((out / 'training.json').read_text())
    assert training['members']['enet_seed0']['metrics']['mIoU'] == 30.
    assert [row[3] for row in content['tables']['training-results']['rows']].count('30.00') == 1
    assert len([p for p in out.iterdir() if p.is_file()]) <= 6
