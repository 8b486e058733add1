import pytest
from mmengine.config import Config

from segfusion.study.configs import merged_configs, write_configs
from segfusion.study.overrides import merge, nest, source
from segfusion.study.plan import find_study, load_study
from tests.study.conftest import STUDY


def test_members_are_the_product_without_the_excluded(write):
    study = write()
    assert [m.name for m in study.members] == [
        'deform_sum_seed0', 'deform_sum_seed1', 'deform_gate_seed0', 'deform_gate_seed1', 'flow_sum_seed0',
        'flow_sum_seed1'
    ]
    assert list(study.groups) == ['deform_sum', 'deform_gate', 'flow_sum']
    assert study.baseline == dict(align='deform', fusion='sum') and study.baseline_group == 'deform_sum'
    assert study.members[3].overrides == dict(
        model=dict(decode_head=dict(fusion=dict(type='DuplexGateFusion'))), randomness=dict(seed=1))


def test_files_load_as_the_merged_config(write, tmp_path):
    study = write()
    merged = merged_configs(study)
    paths = write_configs(study, tmp_path / 'some' / 'where')
    for path in paths:
        assert Config.fromfile(path).to_dict() == merged[path.stem].to_dict()
        assert len(path.read_text().splitlines()) <= 6
    flow = merged['flow_sum_seed1']
    assert flow.model.decode_head.align == dict(type='FlowAlign')  # kernel_size of the base is gone
    assert flow.model.decode_head.fusion == dict(type='SumFusion') and flow.randomness == dict(seed=1)
    assert merged['deform_gate_seed0'].model.decode_head.align == dict(type='DeformableAlign', kernel_size=3)


def test_unchanged_files_are_not_written_again(write, tmp_path):
    study = write()
    path = write_configs(study, tmp_path)[0]
    before = path.stat().st_mtime_ns
    assert write_configs(study, tmp_path)[0].stat().st_mtime_ns == before


def test_a_study_may_inherit_another(write):
    study = write()
    child = study.path.with_name('study_more.py')
    child.write_text("_base_ = './study.py'\nseeds = [5]\naxes = dict(align=dict(dual={'model.decode_head.align': "
                     "dict(_delete_=True, type='DualOffsetAlign')}))\n")
    more = load_study(child)
    assert more.name == 'toy_more' and list(more.axes['align']) == ['deform', 'flow', 'dual'] and more.seeds == [5]
    dual = merged_configs(more)['dual_sum_seed5']
    assert dual.model.decode_head.align == dict(type='DualOffsetAlign')
    assert merged_configs(more)['flow_sum_seed5'].model.decode_head.align == dict(type='FlowAlign')


@pytest.mark.parametrize('old, new, message', [
    ('title', 'tilte', "unknown 'tilte'.*Did you mean 'title'"),
    ("base = 'base.py'", '', 'base is missing'),
    ("'base.py'", "'bsae.py'", 'does not exist.*Did you mean base.py'),
    ("baseline = dict(align='deform')", "baseline = dict(allign='deform')", "unknown 'allign'.*'align'"),
    ("baseline = dict(align='deform')", "baseline = dict(align='defrom')", "unknown 'defrom'.*'deform'"),
    ("baseline = dict(align='deform')", "baseline = dict(align='flow', fusion='gate')",
     'baseline flow_gate is excluded'),
    ("fusion='gate')]", "fusoin='gate')]", "exclude: unknown 'fusoin'"),
    ("fusion='gate')]", "fusion='gate'), dict(align=['flow', 'deform'])]", 'leaves no member'),
    ('[0, 1]', '[0, 0]', 'seeds must be different integers'),
    ('[0, 1]', '3', 'seeds must be different integers'),
    ('deform=None', "deform='x'", 'must be a dict of overrides'),
    ('fusion=dict(\n', 'seeds=dict(\n', 'seeds is a key of its own'),
    ('sum=dict()', "sum={'model..align': 1}", 'axis fusion, choice sum: expected a key'),
    ('sum=dict()', "sum={'model.a': 1, 'model.a.b': 2}", 'model.a is given twice'),
    ('sum=dict()', "sum={'modle.decode_head.channels': 8}", "overrides 'modle'.*Did you mean 'model'"),
    ('sum=dict()', "sum={'train_cfg.max_iters.x': 8}", 'does not fit base.py'),
    ('sum=dict()', "sum=dict(), again={'model.decode_head.fusion.type': 'SumFusion'}", 'are the same config'),
    ("'A <toy>'", "'A'\nmeasure = dict(sizes=(1, 2))", "measure: unknown 'sizes'.*'size'"),
    ("'A <toy>'", "'A'\ncheckpoint = 'lats'", "checkpoint must be 'last' or 'best'"),
    ("'A <toy>'", "'A'\nimages = -1", 'images is how many'),
])
def test_mistakes_are_named(write, old, new, message):
    with pytest.raises((ValueError, FileNotFoundError), match=message):
        merged_configs(write(**{old: new}))


def test_choice_names_become_file_names(write):
    with pytest.raises(ValueError, match="choice 'a_b' of axis fusion becomes part of a file name"):
        write(STUDY.replace('sum=dict()', 'a_b=dict()'))


def test_a_folder_without_a_study_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match='expected .*study.py, found none'):
        find_study(tmp_path)
    with pytest.raises(FileNotFoundError, match='does not exist'):
        find_study(tmp_path / 'no.py')


def test_dotted_and_nested_mean_the_same():
    assert nest({'a.b': 1, 'a': {'c.d': 2}}) == dict(a=dict(b=1, c=dict(d=2)))


def test_delete_replaces_and_stays():
    old = dict(a=dict(type='X', k=1), b=2)
    assert merge(old, dict(a=dict(_delete_=True, type='Y'))) == dict(a=dict(_delete_=True, type='Y'), b=2)
    assert merge(old, dict(a=dict(type='Y'))) == dict(a=dict(type='Y', k=1), b=2)
    assert old == dict(a=dict(type='X', k=1), b=2)


def test_written_differences_read_back():
    value = dict(a=[1, (2., ), None, 'x' * 60], b={'k-1': True, 'class': 'it\'s'}, c=dict(d=dict(e=['y' * 50] * 3)),
                 e={}, f=dict(_delete_=True, type='X'))
    found = {}
    exec(source(value), {}, found)
    assert found == value and max(map(len, source(value).splitlines())) <= 110
    with pytest.raises(ValueError, match='expected numbers, strings'):
        source(dict(a=print))


def test_a_shipped_study_is_found_from_anywhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert find_study('projects/fusion_grid').parts[-3:] == ('projects', 'fusion_grid', 'study.py')
    (tmp_path / 'projects' / 'fusion_grid').mkdir(parents=True)
    (tmp_path / 'projects' / 'fusion_grid' / 'study_mine.py').write_text('')
    assert find_study('projects/fusion_grid').name == 'study_mine.py'  # what is here goes first
