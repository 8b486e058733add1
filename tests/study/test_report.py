import json
import math
import re
from html.parser import HTMLParser

import numpy as np
import pytest

from segfusion.study.command import main
from segfusion.study.examples import Example, Gallery, pick, window, wrong_share
from segfusion.study.figures import _labels, looks, ticks
from segfusion.study.records import as_json
from segfusion.study.report_html import html_page
from segfusion.study.report_markdown import markdown, tables
from segfusion.study.results import class_tables, read_curves
from segfusion.study.statistics import Spread, effects, paired, pareto, spread
from segfusion.study.summary import content, summarise

VOID = {'meta', 'line', 'img', 'br'}


class Page(HTMLParser):
    """Checks that tags nest, and keeps what a page loads and says."""

    def __init__(self, text):
        super().__init__()
        self.open, self.loads, self.rows, self.text = [], [], [], ''
        self.feed(text)
        assert not self.open, self.open

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        self.loads += [v for k, v in attrs.items() if k in ('src', 'href', 'srcset', 'data', 'action')]
        if tag == 'tr' and 'data-row' in attrs:
            self.rows.append(attrs['data-row'])
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        pass

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data


@pytest.fixture
def summary(write, make):
    study = write()
    study.measure['columns'] = ['mIoU', 'aAcc']
    runner = make(study, jobs=3, deform_gate_seed0=dict(fail='train'), deform_gate_seed1=dict(score=33.5),
                  flow_sum_seed0=dict(score=34.), flow_sum_seed1=dict(score=36.))
    runner.run(study.members)
    found = summarise(study, runner.out, 'python tools/study.py toy')
    for row in found.rows:
        row.cost = dict(params=1e6 * row.number, macs=2e9 * row.number, latency=3. * row.number)
    return found


def test_spread_against_known_numbers():
    assert spread([2., 4., 4., 4., 5., 5., 7., 9.]) == Spread(5., math.sqrt(32 / 7), 8)
    assert spread([3.]) == Spread(3., None, 1) and spread([]) is None and spread([math.nan, 3.]) == Spread(3., None, 1)
    assert spread([3.]).text() == '3.00' and Spread(1.234, .5, 2).text(signed=True) == '+1.23 ± 0.50'


def test_pairing_removes_what_the_seed_does():
    found = paired({0: 11., 1: 21., 2: 31.5}, {0: 10., 1: 20., 3: 99.})
    assert found == Spread(1., 0., 2)
    assert paired({0: 1.}, {1: 1.}) is None


def test_effects_pair_members_that_are_otherwise_equal():
    scores = [(dict(a='x', b='p'), 0, 1.), (dict(a='y', b='p'), 0, 3.), (dict(a='x', b='q'), 0, 2.),
              (dict(a='y', b='q'), 0, 7.), (dict(a='y', b='p'), 1, 100.)]
    found = effects(scores, dict(a='x', b='p'), dict(a=['x', 'y'], b=['p', 'q']))
    assert [(e.choice, sorted(e.differences)) for e in found] == [('y', [2., 5.]), ('q', [1., 4.])]
    assert found[0].spread == Spread(3.5, math.sqrt(4.5), 2)


def test_front_keeps_what_nothing_beats():
    assert pareto([(2., 5.), (1., 3.), (3., 4.), (4., 9.), (1., 2.)]) == [1, 0, 3]


def test_summary_numbers(summary):
    base, gate, flow = summary.rows
    assert base.is_baseline and base.metrics['mIoU'] == Spread(30.5, math.sqrt(.5), 2)
    assert len(gate.results) == 1 and gate.metrics['mIoU'] == Spread(34.5, None, 1)
    assert gate.deltas['mIoU'] == Spread(3.5, None, 1)  # with the seed both have
    assert flow.metrics['mIoU'].mean == 35.5 and flow.deltas['mIoU'] == Spread(5., math.sqrt(2.), 2)
    assert flow.classes['IoU']['road'].mean == 36.5 and base.metrics['mBIoU'].mean == 15.25
    assert summary.metrics == ['mIoU', 'aAcc', 'mAcc', 'mBIoU'] and summary.columns == ['mIoU', 'aAcc']
    assert [(t.name, t.status, t.stage) for t in summary.troubles] == [('deform_gate_seed0', 'failed', 'train')]
    assert base.results[0].loss[:2] == [(10, 10.), (20, 5.)] and base.results[0].val['mIoU'] == [(50, 12.5), (100, 25.)]
    by_choice = {e.choice: e.differences for e in summary.effects}
    assert by_choice == dict(flow=(4., 6.), gate=(3.5, ))


def test_markdown_says_what_is_known_and_what_is_not(summary, tmp_path):
    text = markdown(summary)
    assert '| 3 | flow | sum | 2 | 35.50 ± 2.12 | +5.00 ± 1.41 | 70.50 ± 0.00 | 3.000 | 6.00 | 9.0 |' in text
    assert '| 1 | **deform** | **sum** | 2 | 30.50 ± 0.71 | baseline |' in text
    assert '| deform_gate_seed0 | failed | train | RuntimeError: sizes &lt;3&gt; &amp; 4 do not match |' in text
    assert 'A &lt;toy&gt;' in text and '<' not in text  # a Markdown reader would take it for HTML
    assert '| align | flow | deform | +5.00 ± 1.41 | 2 |' in text and '1 of 6 members have no result' in text
    assert '| flow_sum | 35.50 ± 2.12 | 70.50 ± 0.00 | 40.00 ± 0.00 | 17.75 ± 1.06 |' in text
    found = json.loads(as_json(content(summary, tables(summary))))
    assert found['rows'][2]['metrics']['mIoU']['mean'] == 35.5
    assert found['tables']['results']['rows'][2][:6] == ['3', 'flow', 'sum', '2', '35.50 ± 2.12', '+5.00 ± 1.41']


def test_page_is_whole_and_needs_nothing_else(summary):
    labels = np.zeros((48, 64), np.uint8)
    labels[10:30, 20:40] = 1
    image = np.random.RandomState(0).randint(0, 255, (48, 64, 3), dtype=np.uint8)
    example = Example(7, image, labels, window(labels), {row.name: labels for row in summary.rows})
    text = html_page(summary, Gallery([example], [(0, 0, 0), (255, 0, 0)], ['a', 'b & <c>']))
    page = Page(text)
    assert page.rows == ['deform_sum', 'deform_gate', 'flow_sum']
    assert page.loads and all(v.startswith('data:image/') for v in page.loads)
    assert not re.search(r'(https?:)?//[\w.]+\.\w+|@import|url\(', re.sub(r'base64,[\w+/=]+', '', text))
    assert '<toy>' not in text and 'A &lt;toy&gt;' in text and 'pole & <sign>' not in text
    assert 'sizes &lt;3&gt; &amp; 4' in text and 'b &amp; &lt;c&gt;' in text
    for member in summary.commands:
        assert member in page.text
    assert text.count('<svg viewBox') == 3 + 1 + 3 + 2  # cost (3 kinds), effects, classes, curves
    assert 'deform_gate_seed0' in page.text and 'RuntimeError' in page.text


def test_nothing_finished_is_a_report_too(write, make):
    study = write()
    runner = make(study)
    found = summarise(study, runner.out)
    page = Page(html_page(found))
    assert page.rows == ['deform_sum', 'deform_gate', 'flow_sum'] and '0 / 6' in page.text
    assert markdown(found).count('| - |') >= 3


def test_any_evaluators_tables_are_read():
    log = """per class results:
+-------+-------+-------+
| Class |  IoU  |  Acc  |
+-------+-------+-------+
|  sky  | 90.1  |  nan  |
+-------+-------+-------+
something else | with a bar
+-------+------+
| Class | BIoU |
+-------+------+
|  sky  | 40.5 |
+-------+------+
| not | ours |
"""
    found = class_tables(log)
    assert found['IoU'] == dict(sky=90.1) and found['BIoU'] == dict(sky=40.5) and math.isnan(found['Acc']['sky'])


def test_curves_of_two_attempts_are_one(tmp_path):
    for stamp, rows in (('1', [(10, 4.), (20, 3.)]), ('2', [(20, 2.5), (30, 2.)])):
        folder = tmp_path / stamp / 'vis_data'
        folder.mkdir(parents=True)
        lines = [json.dumps(dict(loss=loss, step=step)) for step, loss in rows]
        (folder / 'scalars.json').write_text('\n'.join(lines) + '\n{"loss": 1., "st')
    assert read_curves(tmp_path)[0] == [(10, 4.), (20, 2.5), (30, 2.)]


def test_crop_is_where_the_boundaries_are():
    truth = np.zeros((96, 120), np.uint8)
    truth[60:80:2, 70:100] = 1
    truth[:30:2, :60] = 255  # more edges, but of what is not labelled
    top, left, height, width = window(truth)
    assert (height, width) == (32, 40) and top <= 59 and top + height >= 79 and left <= 70 and left + width >= 100
    prediction = truth.copy()
    prediction[top, left:left + 4] = 3
    truth[top + 1, left] = 255
    example = Example(0, np.zeros((96, 120, 3), np.uint8), truth, (top, left, height, width), dict(x=prediction))
    assert wrong_share(example, 'x', 255) == pytest.approx(100 * 4 / (32 * 40 - 1))


def test_images_are_spread_over_the_test_set():
    assert pick(100, 3) == [16, 50, 83] and pick(2, 5) == [0, 1] and pick(10, [3, 12]) == [3]


def test_ticks_are_round_and_cover():
    assert ticks(0., 100.) == [0., 20., 40., 60., 80., 100.]
    assert ticks(30.5, 35.2) == [30., 31., 32., 33., 34., 35., 36.]
    assert ticks(5., 5.)[0] <= 5. <= ticks(5., 5.)[-1]


def test_labels_do_not_share_a_place():
    places = _labels([(100., 100.), (104., 101.), (96., 99.), (100., 105.)])
    spots = [(x, y) for x, y, _ in places]
    assert len(set(spots)) == 4
    assert all(max(abs(a - c), abs(b - d)) > 8 for i, (a, b) in enumerate(spots) for c, d in spots[:i])


def test_looks_tell_combinations_apart(summary):
    assert len(set(looks(summary.rows, summary.axes).values())) == 3


def test_command_plans_refuses_and_reports(write, tmp_path, capsys, monkeypatch):
    study = write()
    monkeypatch.chdir(tmp_path)
    assert main([str(study.path), '--dry-run', '--', '--partition', 'x']) == 0
    assert '--partition x' in capsys.readouterr().out and not (tmp_path / 'work_dirs').exists()
    assert main([str(study.path), '--only', 'nothing*']) == 2
    assert "no member is named 'nothing*'" in capsys.readouterr().err
    assert main([str(tmp_path / 'gone')]) == 2
