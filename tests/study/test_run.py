"""The state machine, with a fake command instead of mim."""
import os
import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from segfusion.study.command import make_fresh, make_retest, select
from segfusion.study.launch import Launcher, Process, explain, members_of
from segfusion.study.progress import Progress
from segfusion.study.run import Changed, dry_run
from segfusion.study.state import Busy, Folder, lock


def calls(scheduler, name):
    path = scheduler.out / 'configs' / f'{name}.calls'
    return path.read_text().splitlines() if path.exists() else []


def status(scheduler, study):
    return {m.name: scheduler.folder(m).read().status for m in study.members}


def test_trains_and_tests_every_member_once(write, make):
    study = write()
    scheduler = make(study)
    assert scheduler.run(study.members)
    assert set(status(scheduler, study).values()) == {'done'}
    checkpoint = scheduler.out / 'members' / 'flow_sum_seed1' / 'train' / 'iter_100.pth'
    assert calls(scheduler, 'flow_sum_seed1') == ['train', f'test --checkpoint {checkpoint}']
    state = scheduler.folder(study.members[0]).read()
    assert state.attempts == 1 and set(state.seconds) == {'train', 'test'} and state.process_group == 0
    assert make(study).run(study.members)  # again: nothing left to do
    assert len(calls(scheduler, 'flow_sum_seed1')) == 2


def test_a_failing_and_a_killed_member_do_not_stop_the_rest(write, make):
    study = write()
    scheduler = make(study, deform_sum_seed0=dict(fail='train'), flow_sum_seed0=dict(die='test'))
    assert not scheduler.run(study.members)
    found = status(scheduler, study)
    assert found.pop('deform_sum_seed0') == found.pop('flow_sum_seed0') == 'failed' and set(found.values()) == {'done'}
    failure = scheduler.folder(study.members[0]).read().failure
    assert failure['stage'] == 'train' and failure['reason'] == 'RuntimeError: sizes <3> & 4 do not match'
    assert 'Traceback' in failure['lines'] and failure['lines'].endswith(failure['reason'])
    failure = scheduler.folder(study.members[4]).read().failure
    assert failure['stage'] == 'test' and failure['reason'] == 'killed by SIGKILL (out of memory, or by hand)'

    assert make(study).run(study.members)  # the same command again
    assert calls(scheduler, 'deform_sum_seed0')[1] == 'train --resume'
    assert [c.split()[0] for c in calls(scheduler, 'flow_sum_seed0')] == ['train', 'test', 'test']
    assert scheduler.folder(study.members[0]).read().attempts == 2


def test_an_interrupt_ends_the_processes_and_the_next_run_resumes(write, make):
    study = write()
    scheduler = make(study, jobs=1, deform_sum_seed0=dict(hang='train'))
    mark = scheduler.out / 'configs' / 'deform_sum_seed0.hanging'

    def interrupt():
        wait_for(mark)
        os.kill(os.getpid(), signal.SIGTERM)

    thread = threading.Thread(target=interrupt)
    thread.start()
    with pytest.raises(KeyboardInterrupt):
        scheduler.run(study.members)
    thread.join()
    for pid in map(int, mark.read_text().split()):
        assert not alive(pid)
    assert status(scheduler, study)['deform_sum_seed0'] == 'interrupted'
    assert make(study).run(study.members)
    assert calls(scheduler, 'deform_sum_seed0')[1] == 'train --resume'


def test_what_a_killed_study_left_running_is_ended(write, make, capsys):
    study = write()
    scheduler = make(study, jobs=1, deform_sum_seed0=dict(hang='train'))
    pid = os.fork()
    if pid == 0:  # a study that is killed without a chance to clean up
        try:
            scheduler.run(study.members)
        finally:
            os._exit(0)
    mark = scheduler.out / 'configs' / 'deform_sum_seed0.hanging'
    wait_for(mark)
    time.sleep(0.05)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    left = list(map(int, mark.read_text().split()))
    assert all(map(alive, left)) and status(scheduler, study)['deform_sum_seed0'] == 'training'
    assert make(study).run(study.members)
    assert not any(map(alive, left)) and 'left behind of deform_sum_seed0' in capsys.readouterr().out
    assert calls(scheduler, 'deform_sum_seed0')[1] == 'train --resume'


def test_a_foreign_process_with_the_recorded_number_is_left_alone(write, make):
    study = write()
    scheduler = make(study, jobs=1)
    with subprocess.Popen([sys.executable, '-S', '-c', 'import time; time.sleep(30)'], start_new_session=True) as other:
        folder = scheduler.folder(study.members[0])
        state = folder.read()
        state.status, state.process_group = 'training', other.pid
        folder.write(state)
        assert members_of(other.pid) == [other.pid]
        assert scheduler.run(study.members[:1]) and other.poll() is None
        other.kill()


def test_a_member_that_stopped_in_time_goes_on(write, make):
    study = write()
    scheduler = make(study, jobs=1, deform_sum_seed0=dict(late='train'))
    assert not scheduler.run(study.members[:2])
    assert scheduler.folder(study.members[0]).read().failure == {}
    assert status(scheduler, study)['deform_sum_seed0'] == 'interrupted'
    assert make(study).run(study.members[:2])
    assert [c.split()[0] for c in calls(scheduler, 'deform_sum_seed0')] == ['train', 'train', 'test']


def test_a_study_ends_in_time(write, make, monkeypatch):
    monkeypatch.setattr('segfusion.study.run.GRACE', 0.3)
    study = write()
    scheduler = make(study, jobs=1, deform_sum_seed0=dict(hang='train'))
    scheduler.launcher.until = time.time() + 0.5
    assert not scheduler.run(study.members)
    found = status(scheduler, study)
    assert found.pop('deform_sum_seed0') == 'interrupted' and set(found.values()) == {'pending'}
    for pid in map(int, (scheduler.out / 'configs' / 'deform_sum_seed0.hanging').read_text().split()):
        assert not alive(pid)
    scheduler.launcher.until = None
    assert scheduler.run(study.members) and calls(scheduler, 'deform_sum_seed0')[1] == 'train --resume'


def test_the_hour_is_told_to_the_training():
    launcher = Launcher(train_args=['--amp', '--cfg-options', 'a=1'], until=12.)
    words = launcher.train(Path('c.py'), Folder(Path('o'), 'm'), False)
    assert words[words.index('--amp') + 1:] == [
        '--cfg-options', 'default_hooks.stop_in_time.type=StopInTimeHook', 'default_hooks.stop_in_time.until=12', 'a=1']
    assert not any('stop_in_time' in w for w in launcher.test(Path('c.py'), Folder(Path('o'), 'm'), Path('p')))


def test_half_a_checkpoint_is_not_resumed_from(write, make):
    study = write()
    scheduler = make(study, jobs=1, deform_sum_seed0=dict(fail='train'))
    scheduler.run(study.members[:1])
    folder = scheduler.folder(study.members[0])
    (folder.train / 'iter_70.pth').write_bytes(b'PK\x03\x04 cut off')
    (folder.train / 'last_checkpoint').write_text('/elsewhere/iter_70.pth')
    assert make(study).run(study.members[:1])
    assert calls(scheduler, 'deform_sum_seed0')[1] == 'train --resume'
    steps = [p.name for p in folder.checkpoints()]
    assert steps == ['iter_100.pth', 'iter_50.pth']


def test_finished_work_under_another_config_is_refused(write, make):
    study = write()
    make(study).run(study.members)
    study = write(**{"_delete_=True, type='FlowAlign'": "_delete_=True, type='FlowAlign', kernel_size=5"})
    scheduler = make(study)
    with pytest.raises(Changed, match='flow_sum_seed0 was trained with another config.*--fresh flow_sum') as error:
        scheduler.check(study.members)
    assert 'deform' not in str(error.value)
    assert 'refused flow_sum_seed0' in dry_run(study, scheduler, study.members)
    make_fresh(select(study, ['flow_sum']), scheduler.out)
    scheduler.check(study.members)
    assert scheduler.run(study.members)
    kept = sorted(p.name for p in (scheduler.out / 'aside').iterdir())
    assert [re.sub(r'-\d{8}-\d{6}', '', name) for name in kept] == ['flow_sum_seed0', 'flow_sum_seed1']
    assert (scheduler.out / 'aside' / kept[0] / 'train' / 'iter_100.pth').exists()
    assert calls(scheduler, 'deform_sum_seed0')[0] == 'train' and len(calls(scheduler, 'deform_sum_seed0')) == 2


@pytest.mark.parametrize('old, new', [
    ("test_evaluator = dict(type='IoU", "test_evaluator = dict(type='Depth"),
    ('model = dict(', "model = dict(test_cfg=dict(mode='slide', crop_size=(64, 64), stride=(32, 32)),"),
])
def test_another_test_alone_needs_no_training(write, make, old, new):
    study = write()
    make(study).run(study.members)
    text = study.base.read_text()
    assert old in text
    study.base.write_text(text.replace(old, new))
    scheduler = make(study)
    with pytest.raises(Changed, match='--retest deform_sum_seed0'):
        scheduler.check(study.members)
    make_retest(study.members, scheduler.out)
    folder = scheduler.folder(study.members[0])
    state = folder.read()
    state.made['device'] = 'another machine'
    folder.write(state)
    scheduler.check(study.members)
    assert scheduler.run(study.members)
    assert folder.read().made['device'] == 'another machine', 'where it was trained'
    assert [c.split()[0] for c in calls(scheduler, 'deform_sum_seed0')] == ['train', 'test', 'test']


def test_a_member_that_saved_nothing_may_change(write, make):
    study = write()
    scheduler = make(study, deform_sum_seed0=dict(fail='train'))
    folder = scheduler.folder(study.members[0])
    scheduler.run(study.members[:1])
    for path in folder.train.glob('*.pth'):
        path.unlink()
    study = write(**{'sum=dict()': "sum={'train_cfg.max_iters': 50}"})
    scheduler = make(study)
    scheduler.check(study.members)
    assert scheduler.run(study.members[:1]) and calls(scheduler, 'deform_sum_seed0')[1] == 'train'


def test_bars_in_a_terminal(write, make, capsys):
    study = write()
    scheduler = make(study, jobs=2, deform_sum_seed0=dict(fail='train'))
    scheduler.progress = Progress({m.name: 100 for m in study.members}, 2, live=True)
    assert not scheduler.run(study.members)
    said = capsys.readouterr().out
    assert '5/6 done, 1 failed' in said and 'FAILED deform_sum_seed0' in said
    assert scheduler.progress.left() is not None and scheduler.progress.left() < 1e-6


def test_time_left_follows_the_pace(write, make):
    study = write()
    scheduler = make(study, jobs=1)
    progress = Progress({m.name: 100 for m in study.members}, live=False)
    progress.begin(study.members, {m.name: scheduler.folder(m) for m in study.members})
    assert progress.left() is None
    scheduler.run(study.members[:2])
    progress.start = time.time() - 60.
    assert progress.left() == pytest.approx(120., rel=.01)  # two of six took a minute
    train = scheduler.folder(study.members[2]).train / '1' / 'vis_data'
    train.mkdir(parents=True)
    (train / 'scalars.json').write_text('{"loss": 1.0, "step": 50}\n{"loss": 1.0, "st')
    assert progress.left() == pytest.approx(60. / 2.45 * 3.55, rel=.01)  # and 50 of 100 iterations of the third


def test_two_runs_do_not_share_a_folder(tmp_path):
    with lock(tmp_path):
        with pytest.raises(Busy, match=f'process {os.getpid()} on .*--out'):
            with lock(tmp_path):
                pass
    with lock(tmp_path):
        pass


def test_only_and_unknown_names(write):
    study = write()
    assert [m.name for m in select(study, ['*_seed1'])] == ['deform_sum_seed1', 'deform_gate_seed1', 'flow_sum_seed1']
    assert [m.name for m in select(study, ['flow_sum'])] == ['flow_sum_seed0', 'flow_sum_seed1']
    with pytest.raises(ValueError, match="no member is named 'flwo'"):
        select(study, ['flwo'])


def test_dry_run_changes_nothing(write, make, tmp_path):
    study = write()
    scheduler = make(study)
    scheduler.launcher = Launcher(extra=['--cfg-options', 'a=1'], train_args=['--amp'])
    before = sorted(tmp_path.rglob('*'))
    text = dry_run(study, scheduler, study.members)
    assert sorted(tmp_path.rglob('*')) == before
    assert 'deform_sum_seed0 (baseline): pending' in text and text.count('mim train mmseg') == 6
    line = next(line for line in text.splitlines() if 'mim train mmseg' in line)
    assert line.endswith('--cfg-options a=1 --amp')
    assert not any('--amp' in line for line in text.splitlines() if 'mim test' in line)


def test_devices_are_handed_out_in_turn(monkeypatch):
    launcher = Launcher(gpus_per_member=2, devices=['0', '1', '4', '5'], jobs=2)
    assert [launcher.environment(slot)['CUDA_VISIBLE_DEVICES'] for slot in (0, 1)] == ['0,1', '4,5']
    with pytest.raises(ValueError, match='needs 6 GPUs, but 4 are visible'):
        Launcher(gpus_per_member=2, devices=['0', '1', '4', '5'], jobs=3)
    slurm = Launcher('slurm', ['--gpus', '8', '--partition', 'p'], gpus_per_member=0)
    words = slurm.train(Path('c.py'), Folder(Path('o'), 'm'), False)
    assert words[-5:] == ['slurm', '--gpus', '8', '--partition', 'p']
    pytorch = Launcher('pytorch', gpus_per_member=2, devices=['0', '1'])
    words = pytorch.train(Path('c.py'), Folder(Path('o'), 'm'), True)
    assert words[words.index('--gpus') + 1] == '2' and '--port' in words and '--resume' in words


@pytest.mark.slow
def test_mim_itself_says_that_training_failed(tmp_path):
    config = tmp_path / 'bad.py'
    config.write_text("raise ValueError('no such weather')\n")
    launcher, folder = Launcher(), Folder(tmp_path, 'm')
    process = Process(launcher.train(config, folder, False), folder.log, launcher.environment(0))
    code = process.process.wait(timeout=300)
    assert code == 1
    assert process.failure('train', code)['reason'].startswith('ValueError: no such weather')


def test_the_reason_is_the_error_that_matters():
    text = ('line\nTraceback (most recent call last):\n  File "x"\nValueError: 3 channels\n\nTraceback (most recent '
            "call last):\nsubprocess.CalledProcessError: Command '['python']' returned non-zero exit status 1.\n")
    reason, lines = explain(text, 1)
    assert reason == 'ValueError: 3 channels' and lines.startswith('line') and 'CalledProcess' not in lines
    text = "step 3\nsubprocess.CalledProcessError: Command 'x' died with <Signals.SIGKILL: 9>.\n"
    assert explain(text, 1)[0] == 'killed by SIGKILL (out of memory, or by hand)'
    assert explain('nothing said', 3) == ('exit code 3', 'nothing said')


def wait_for(path, seconds=20):
    deadline = time.time() + seconds
    while not (path.exists() and path.read_text()):
        assert time.time() < deadline, f'{path} did not appear'
        time.sleep(0.02)


def alive(pid):
    try:
        return (Path(f'/proc/{pid}/stat').read_text().rsplit(')', 1)[1].split()[0]) != 'Z'
    except FileNotFoundError:
        return False
