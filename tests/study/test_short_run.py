import shutil
from pathlib import Path

from mmengine.config import Config

from segfusion.diagnosis.cost import Cost
from segfusion.study.short_run import run_short, short_run_table, shorten

ENET = Path(__file__).parents[2] / 'configs' / 'enet' / 'enet_1xb8-20k-scratch_camvid-360x480.py'


def test_trains_and_scores_at_the_size_of_the_labels(camvid, tmp_path):
    roots = {f'{s}_dataloader.dataset.data_root': str(camvid) for s in ('train', 'val', 'test')}
    run = run_short(ENET, tmp_path / 'work', (32, 48), 2, 2, **roots)
    assert run.images == 4 and 0 <= run.scores['mIoU'] <= 100 and run.seconds > 0
    assert not list((tmp_path / 'work').rglob('*.pth'))
    shutil.rmtree(tmp_path / 'work')
    again = run_short(ENET, tmp_path / 'again', (32, 48), 2, 2, **roots)  # nothing of the first run is needed
    assert again.scores == run.scores


def test_only_data_and_time_are_shortened():
    whole = Config.fromfile(ENET)
    short = shorten(whole, (32, 48), 10, 2)
    for key in ('backbone', 'decode_head'):
        assert short.model[key] == whole.model[key]
    assert short.optim_wrapper == whole.optim_wrapper
    assert whole.train_cfg.max_iters == 20000, 'the original must stay as it was'


def test_table_puts_cost_beside_score():
    from segfusion.study.short_run import ShortRun
    table = short_run_table([ShortRun('a', (180, 240), 1200, 61.4, dict(mIoU=12.345, aAcc=50.))],
                            [Cost('a', (360, 480), 1500000, 0, 2.5e9)])
    assert table.splitlines()[-1] == '| a | 1.500 | 2.50 | 1200, 180x240 | 61 | 12.35 | 50.00 |'
