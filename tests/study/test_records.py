"""Results that outlast a machine: what is committed is done, what machines found is merged, nothing is lost."""
import json
import math

import numpy as np
import pytest

from segfusion.study import records
from segfusion.study.command import gather, main, make_fresh, make_retest, typed
from segfusion.study.configs import lasting_fingerprints, merged_configs
from segfusion.study.curves import draw_curves
from segfusion.study.records import committed, fitting, merge, publish, read_records, take_in
from segfusion.study.report_markdown import tables
from segfusion.study.run import dry_run
from segfusion.study.summary import content, summarise

PLACED = """
data_root = '{root}'
weights_root = '{root}/weights'
model = dict(type='EncoderDecoder', backbone=dict(init_cfg=dict(checkpoint=f'{{weights_root}}/r18.pth')),
             decode_head=dict(align=dict(type='DeformableAlign'), fusion=dict(type='SumFusion')))
train_dataloader = dict(batch_size=8, num_workers={workers}, dataset=dict(data_root=data_root, split='{root}/a.txt'))
train_cfg = dict(max_iters=100)
test_evaluator = dict(type='IoUMetric')
"""


@pytest.fixture(autouse=True)
def no_looking_around(monkeypatch):
    """Looking at compilers and libraries takes a second, and is tested elsewhere."""
    monkeypatch.setattr(records, 'environment', lambda device: dict(device='a chip', threads='2', PyTorch='2.x'))
    records.place.cache_clear()
    yield
    records.place.cache_clear()


@pytest.fixture
def found(write, make):
    """A study, and the results of it after some members ran in a folder of that name."""

    def found(name, *members, study=None, **behave):
        study = study or write()
        scheduler = make(study, jobs=3, name=name, **behave)
        scheduler.run([m for m in study.members if m.name in members])
        configs = merged_configs(study)
        summary = gather(study, configs, scheduler.out, 'python tools/study.py toy')
        return study, scheduler, content(summary, tables(summary))

    return found


def test_what_is_committed_is_done_elsewhere_too(found, make):
    study, one, results = found('one', 'deform_sum_seed0', 'flow_sum_seed0', flow_sum_seed0=dict(score=34.))
    publish(results, committed(study))
    there = json.loads(committed(study).read_text())['members']
    assert set(there) == {'deform_sum_seed0', 'flow_sum_seed0'} and committed(study).name == 'results.json'
    assert there['flow_sum_seed0']['metrics']['mIoU'] == 34. and there['flow_sum_seed0']['made']['device'] == 'a chip'
    assert there['flow_sum_seed0']['loss'][:2] == [[10, 10.], [20, 5.]]

    other, configs = make(study, name='other'), merged_configs(study)
    assert take_in(study, configs, there, other.out) == ['deform_sum_seed0', 'flow_sum_seed0']
    assert 'flow_sum_seed0: done' in dry_run(study, other, study.members)
    assert other.run(study.members)
    assert not (other.out / 'configs' / 'flow_sum_seed0.calls').exists()
    assert (other.out / 'configs' / 'flow_sum_seed1.calls').exists()
    before, after = summarise(study, one.out).rows, summarise(study, other.out).rows
    kept, ran = after[2].results[0], before[2].results[0]
    assert (kept.metrics, kept.classes, kept.val) == (ran.metrics, ran.classes, ran.val)
    assert np.allclose(kept.loss, ran.loss, rtol=1e-4, atol=0) and after[2].metrics['mIoU'].n == 2
    summary = gather(study, configs, other.out, '')
    publish(content(summary, tables(summary)), committed(study))
    now = read_records(committed(study))
    assert len(now) == 6 and now['flow_sum_seed0'] == there['flow_sum_seed0']
    assert take_in(study, configs, there, other.out) == []


def test_two_machines_make_one_study(found, tmp_path):
    study, _, one = found('one', 'deform_sum_seed0', 'flow_sum_seed0')
    _, _, two = found('two', 'flow_sum_seed0', 'flow_sum_seed1', study=study)
    paths = []
    for name, results in dict(one=one, two=two).items():
        paths.append(tmp_path / f'{name}.json')
        publish(results, paths[-1])
    both = merge([*paths, tmp_path / 'none.json'])
    assert set(both) == {'deform_sum_seed0', 'flow_sum_seed0', 'flow_sum_seed1'}
    assert both['flow_sum_seed0'] == one['members']['flow_sum_seed0']
    two['members']['flow_sum_seed0'] = dict(two['members']['flow_sum_seed0'], metrics=dict(mIoU=99.))
    paths[1].unlink()
    publish(two, paths[1])
    with pytest.raises(ValueError, match='two.json: flow_sum_seed0 has other scores'):
        merge(paths)


def test_publishing_loses_nothing(found, make):
    study, _, results = found('one', 'deform_sum_seed0', 'flow_sum_seed0')
    publish(results, committed(study))
    text = committed(study).read_text()
    _, _, fewer = found('two', 'flow_sum_seed0', study=study)
    with pytest.raises(ValueError, match='deform_sum_seed0 is not among the results'):
        publish(fewer, committed(study))
    _, _, other = found('three', 'deform_sum_seed0', 'flow_sum_seed0', study=study, flow_sum_seed0=dict(score=50.))
    with pytest.raises(ValueError, match='flow_sum_seed0 has other scores.*there\n.*"members"'):
        publish(other, committed(study))
    assert committed(study).read_text() == text
    publish(dict(results, title='again'), committed(study))  # the same members


def test_results_of_another_config_are_not_taken(found, write, make):
    study, _, results = found('one', 'flow_sum_seed0', 'deform_sum_seed0')
    changed = write(**{"_delete_=True, type='FlowAlign'": "_delete_=True, type='FlowAlign', kernel_size=5"})
    configs = merged_configs(changed)
    assert list(fitting(changed, configs, results['members'])) == ['deform_sum_seed0']
    assert take_in(changed, configs, results['members'], make(changed, name='new').out) == ['deform_sum_seed0']


def test_a_fingerprint_lasts_from_machine_to_machine(tmp_path, write):
    study, prints = write(), []
    for root, workers, head in (('/a', 2, ''), ('/b/c', 6, ''), ('/a', 2, "model.update(neck=dict(type='FPN'))\n"),
                                ('/a', 2, "test_evaluator.update(type='BoundaryIoUMetric')\n"),
                                ('/a', 2, "model.update(data_preprocessor=dict(test_cfg=dict(size_divisor=32)))\n"),
                                ('/a', 2, "model.update(data_preprocessor=dict())\n")):
        study.base.write_text(PLACED.format(root=root, workers=workers) + head)
        prints.append(lasting_fingerprints(merged_configs(study)['flow_sum_seed1']))
    here, there, deeper, tested, padded, plain = prints
    assert here == there and here[0] != here[1]
    assert deeper[0] != here[0] and deeper[1] != here[1]
    assert tested[0] == here[0] and tested[1] != here[1]
    assert padded[0] == plain[0] != here[0] and padded[1] != plain[1]
    assert lasting_fingerprints(merged_configs(study)['flow_sum_seed0'])[0] != here[0]
    assert lasting_fingerprints(merged_configs(study)['flow_sum_seed1'], 'best')[0] != here[0]


def test_training_again_what_is_done_elsewhere(found, make):
    study, _, results = found('one', 'flow_sum_seed0')
    other, configs = make(study, name='other'), merged_configs(study)
    member = [m for m in study.members if m.name == 'flow_sum_seed0']
    take_in(study, configs, results['members'], other.out)
    with pytest.raises(ValueError, match='trained elsewhere.*--fresh flow_sum_seed0'):
        make_retest(member, other.out)
    make_fresh(member, other.out)
    assert take_in(study, configs, results['members'], other.out) == []  # also if it is killed before it begins
    assert other.run(member) and (other.out / 'configs' / 'flow_sum_seed0.calls').exists()


def test_results_of_something_else_are_refused(tmp_path):
    (tmp_path / 'x.json').write_text('{"tables": {}}')
    with pytest.raises(ValueError, match='x.json: expected the results of a study, with "members"'):
        merge([tmp_path / 'x.json'])


def test_nan_is_the_same_as_nan():
    record = dict(fingerprints=['a', 'b'], metrics=dict(mIoU=math.nan))
    assert records.same(record, json.loads(json.dumps(record)))


def test_figures_of_others_stand_beside_ours(found, write):
    study = write()
    source = study.path.with_name('published.yaml')
    source.write_text('- {name: flow_sum, miou: 51.3, split: test, source: paper}\n')
    _, _, results = found('one', 'flow_sum_seed0', study=study, flow_sum_seed0=dict(score=34.))
    table = results['tables']['results']
    assert table['columns'][-1] == 'mIoU published by others'
    assert [row[-1] for row in table['rows']] == ['-', '-', '51.3 (paper)'] and table['rows'][2][4] == '34.00'
    assert '1 of 6 members' in results['made'] and 'a chip' in results['made'] and 'torch 2.x' in results['made']
    source.write_text('- {name: flow_sum, miou: 51.3}\n')
    with pytest.raises(ValueError, match='flow_sum needs a source'):
        found('two', study=study)


def test_the_printed_command_makes_it_again():
    assert typed(['p', '--minutes', '5', '--publish', '--jobs', '2', '--report-only']) == ['p', '--jobs', '2']


def test_a_member_may_be_a_config_of_its_own(write):
    text = """
title = 'Files'
base = 'base.py'
axes = dict(net=dict(plain=None, other='other.py', deeper={'model.decode_head.channels': 8}))
overrides = {'optim_wrapper.type': 'Bfloat16OptimWrapper'}
"""
    study = write()
    other = study.base.with_name('other.py')
    other.write_text("_base_ = './base.py'\nmodel = dict(decode_head=dict(fusion=dict(type='DuplexGateFusion')))\n")
    study = write(text)
    configs = merged_configs(study)
    assert configs['other_seed0'].model.decode_head.fusion.type == 'DuplexGateFusion'
    assert configs['plain_seed0'].model.decode_head.fusion.type == 'SumFusion'
    assert configs['other_seed0'].optim_wrapper.type == 'Bfloat16OptimWrapper'
    assert [m.config for m in study.members] == ['base', 'other', '']
    with pytest.raises(FileNotFoundError, match='Did you mean other.py'):
        write(text.replace("'other.py'", "'othr.py'"))
    with pytest.raises(ValueError, match='axes trunk and net both name config files'):
        write(text.replace('axes = dict(', "axes = dict(trunk=dict(a=None, b='other.py'), "))


def test_publishing_by_the_command(found, write, capsys):
    study, scheduler, _ = found('toy_out', 'flow_sum_seed0', 'deform_sum_seed1')
    study.path.write_text(study.path.read_text() + 'images = 0\n')
    assert main([str(study.path), '--out', str(scheduler.out), '--report-only', '--publish']) == 0
    assert set(read_records(committed(study))) == {'flow_sum_seed0', 'deform_sum_seed1'}
    assert committed(study).with_name('curves.png').stat().st_size > 1000
    assert main([str(study.path), '--out', str(scheduler.out / 'new'), '--dry-run']) == 0
    assert capsys.readouterr().out.count('done elsewhere') == 2


def test_curves_are_those_of_the_members(found):
    study, scheduler, results = found('toy_out', 'flow_sum_seed0', 'flow_sum_seed1', 'deform_sum_seed1')
    loss, score = draw_curves(study.members, results['members'], 'mIoU').axes
    drawn = [line.get_xydata().tolist() for line in score.lines]
    members = [member for member in study.members if member.name in results['members']]
    assert drawn == [results['members'][member.name]['val']['mIoU'] for member in members] and len(drawn) == 3
    assert [line.get_xydata().tolist() for line in loss.lines][0] == results['members'][members[0].name]['loss']
    colours = {member.group: line.get_color() for member, line in zip(members, score.lines)}
    assert len(set(colours.values())) == 2
    assert [text.get_text() for text in score.get_legend().get_texts()] == list(colours)
