import json

import pytest

from segfusion.study.scores import read_scores, scores_table

LOG = """2026/01/01 00:00:00 - mmengine - INFO - per class results:
2026/01/01 00:00:00 - mmengine - INFO -
+------------+-------+-------+
|   Class    |  IoU  |  Acc  |
+------------+-------+-------+
|    sky     | 90.12 | 95.5  |
| signsymbol |  nan  |  nan  |
+------------+-------+-------+
"""


def test_newest_finished_test_is_read(tmp_path):
    for stamp, miou in (('20260101_000000', 40.), ('20260102_000000', 45.06)):
        run = tmp_path / stamp
        run.mkdir()
        (run / f'{stamp}.json').write_text(json.dumps(dict(aAcc=80.1, mIoU=miou, mAcc=50.5, data_time=0.1)))
        (run / f'{stamp}.log').write_text(LOG)
    scores = read_scores(tmp_path)
    assert scores.summary == dict(aAcc=80.1, mIoU=45.06, mAcc=50.5)
    assert scores.classes['sky'] == (90.12, 95.5) and set(scores.classes) == {'sky', 'signsymbol'}
    table = scores_table(scores)
    assert '| sky | 90.12 | 95.50 |' in table and '| **mean** | **45.06** | **50.50** |' in table


def test_unfinished_test_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match='no finished test'):
        read_scores(tmp_path)
