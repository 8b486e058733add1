import json
import math

import pytest

from segfusion.study.report_markdown import scores_table
from segfusion.study.results import read_test

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
    metrics, classes = read_test(tmp_path)
    assert metrics == dict(aAcc=80.1, mIoU=45.06, mAcc=50.5)
    assert {column: table['sky'] for column, table in classes.items()} == dict(IoU=90.12, Acc=95.5)
    assert list(classes['IoU']) == ['sky', 'signsymbol'] and math.isnan(classes['Acc']['signsymbol'])
    table = scores_table(tmp_path)
    assert '| signsymbol | nan | nan |' in table and table.endswith('Pixel accuracy 80.10 %.')
    assert '| sky | 90.12 | 95.50 |' in table and '| **mean** | **45.06** | **50.50** |' in table


def test_unfinished_test_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match='no finished test'):
        scores_table(tmp_path)
