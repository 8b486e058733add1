import json
import time

import pytest

from segfusion.diagnosis.race import ResultFile, markdown_table, race
from segfusion.study.records import Score, trained_configs
from tools.update_tables import filled, page_text, pages, with_scores


def test_ways_take_turns():
    order = []
    laps = race({name: lambda name=name: order.append(name) for name in 'ab'}, repeats=3)
    assert order == ['a', 'b'] * 4  # warmed up, then three rounds
    assert [len(lap.times) for lap in laps.values()] == [3, 3]


def test_waiting_takes_time_but_no_processor():
    lap = race({'sleep': lambda: time.sleep(0.05)}, repeats=3)['sleep']
    assert lap.median >= 50 and lap.busy < 0.5 * lap.median


def test_table_keeps_numbers_and_marks_the_unmeasured(tmp_path):
    path = tmp_path / 'new' / 'x.json'
    results = ResultFile(path, 'python x.py', size='4x6')
    results.add('speed', ['way', 'ms', 'ratio'], [['plain', 12.345, None], ['ours', 6., 0.486]], ['', '.1f', '.2f'])
    content = json.loads(path.read_text())
    assert content['tables']['speed']['rows'] == [['plain', 12.345, None], ['ours', 6., 0.486]]
    assert content['command'] == 'python x.py' and content['facts'] == {'size': '4x6'}
    assert 'PyTorch' in content['machine']
    assert markdown_table(content['tables']['speed']).splitlines() == [
        '| way | ms | ratio |', '| --- | --- | --- |', '| plain | 12.3 | - |', '| ours | 6.0 | 0.49 |']


def test_a_second_table_keeps_the_first(tmp_path):
    results = ResultFile(tmp_path / 'x.json', 'python x.py')
    for name in ('one', 'two'):
        results.add(name, ['a'], [[1]])
    assert list(json.loads((tmp_path / 'x.json').read_text())['tables']) == ['one', 'two']


def test_pieces_of_a_table_come_together(tmp_path):
    path = tmp_path / 'x.json'
    ResultFile(path, 'python x.py', size=(4, 6)).extend('one', ['net', 'ms'], [['a', 1], ['b', 2], ['b', 3]])
    ResultFile(path, 'python x.py', update=True, size=(4, 6)).extend('one', ['net', 'ms'], [['b', 4], ['c', 5]])
    assert json.loads(path.read_text())['tables']['one']['rows'] == [['a', 1], ['b', 4], ['c', 5]]
    with pytest.raises(ValueError, match='measured with another facts: expected .*6.*, got .*7'):
        ResultFile(path, 'python x.py', update=True, size=(4, 7))


def test_nothing_is_written_without_a_path(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    ResultFile(None, 'python x.py').add('one', ['a'], [[1]])
    assert not list(tmp_path.iterdir())


def test_pages_show_what_the_result_files_say():
    for page in pages():
        assert page_text(page) == page.read_text(), f'{page}: run python tools/update_tables.py'


def test_a_page_with_an_unknown_table_names_the_known(tmp_path, monkeypatch):
    monkeypatch.setattr('tools.update_tables.ROOT', tmp_path)
    ResultFile(tmp_path / 'x.json', 'python x.py').add('one', ['a'], [[1]])
    page = '<!-- table: x.json {} -->\nold\n<!-- end of table -->\nafter'
    assert '| 1 |' in filled(page.format('one')) and filled(page.format('one')).endswith('after')
    with pytest.raises(KeyError, match='it has one'):
        filled(page.format('two'))


def test_a_study_says_itself_where_its_tables_come_from(tmp_path, monkeypatch):
    monkeypatch.setattr('tools.update_tables.ROOT', tmp_path)
    table = dict(columns=['network'], formats=[''], rows=[['a']])
    (tmp_path / 'x.json').write_text(json.dumps(dict(made='two machines', tables=dict(results=table))))
    text = filled('<!-- table: x.json results -->\n<!-- end of table -->')
    assert text == '<!-- table: x.json results -->\n| network |\n| --- |\n| a |\n\ntwo machines.\n<!-- end of table -->'


PAGE = """| Method | mIoU | mIoU(ms+flip) | config |
| --- | --- | --- | --- |
| A | - | - | [config](a_1xb8.py) |
| B | 79.0 (paper's) | - | [config](b_1xb8.py) |
| C | - | - | [config](c_1xb8.py) |
"""


def test_scores_of_trained_configs_stand_before_those_of_papers():
    scores = dict(a_1xb8=Score(61.204, 0.31, 3, 'p'), b_1xb8=Score(70., None, 1, 'q'))
    once = with_scores(PAGE, scores)
    assert '| A | **61.20 ± 0.31** (3 seeds, [study](../../projects/p/README.md)) | - |' in once
    assert "| B | **70.00** (1 seed, [study](../../projects/q/README.md)); 79.0 (paper's) | - |" in once
    assert once.splitlines()[4] == PAGE.splitlines()[4]
    assert with_scores(once, scores) == once and with_scores(once, {}) == PAGE


def test_a_config_is_found_in_the_study_that_trained_it(tmp_path):
    rows = [dict(config='a_1xb8', metrics=dict(mIoU=dict(mean=61.2, sd=0.3, n=3))), dict(config='b_1xb8', metrics={}),
            dict(config='', metrics=dict(mIoU=dict(mean=1., sd=None, n=1)))]
    for project in ('one', 'two'):
        (tmp_path / project).mkdir()
    (tmp_path / 'one' / 'results.json').write_text(json.dumps(dict(rows=rows, members={})))
    assert trained_configs(tmp_path) == dict(a_1xb8=Score(61.2, 0.3, 3, 'one'))
    (tmp_path / 'two' / 'results_more.json').write_text(json.dumps(dict(rows=rows[:1], members={})))
    with pytest.raises(ValueError, match='a_1xb8 has results in projects/one and in .*two'):
        trained_configs(tmp_path)
