"""Networks stand where their figures say, and their names can be read."""
import json
from itertools import combinations
from pathlib import Path

import pytest
import yaml
from matplotlib.transforms import Bbox

from benchmarks import rivals
from segfusion.visualization import Rival, draw_trade_off

ROOT = Path(__file__).parents[2]
CROWD = [Rival('SFNet-R18', 788, 509, 79.0, ours=True), Rival('SFNet-Lite-R18', 560, 380, 80.1, 'test', True),
         Rival('FCN-HR18', 760, 500, 78.8), Rival('DDRNet-23', 500, 370, 79.99), Rival('Fast-SCNN', 40, 22, 70.96)]


def test_marks_stand_at_their_figures():
    axes = draw_trade_off(CROWD, 'ms', 'mIoU').axes[0]
    lines = [line.get_xydata().tolist() for line in axes.lines]
    for i, one in enumerate(CROWD):  # the way between, as it is, prepared
        start, end = [one.as_is, one.miou], [one.prepared, one.miou]
        assert lines[3 * i:3 * i + 3] == [[start, end], [start], [end]]
    assert [line.get_marker() for line in axes.lines[2::3]] == ['o', 's', 'o', 'o', 'o']
    assert axes.get_xscale() == 'log' and axes.get_xlabel() == 'ms'


def test_names_hit_neither_each_other_nor_the_edge():
    figure = draw_trade_off(CROWD, 'ms', 'mIoU')
    renderer, axes = figure.canvas.get_renderer(), figure.axes[0]
    boxes = [text.get_window_extent(renderer) for text in axes.texts]
    assert sorted(text.get_text() for text in axes.texts) == sorted(one.name for one in CROWD)
    assert not [pair for pair in combinations(boxes, 2) if Bbox.intersection(*pair)]
    frame = axes.get_window_extent(renderer)
    assert all(frame.x0 <= box.x0 and box.x1 <= frame.x1 and frame.y0 <= box.y0 and box.y1 <= frame.y1 for box in boxes)


def test_an_unknown_split_is_refused():
    with pytest.raises(ValueError, match='a split of val, test, got .*trainval'):
        draw_trade_off([Rival('a', 2, 1, 70., 'trainval')], 'ms', 'mIoU')
    with pytest.raises(ValueError, match='got no network'):
        draw_trade_off([], 'ms', 'mIoU')


def test_every_published_figure_has_a_source_and_the_results_hold_them(tmp_path):
    published = yaml.safe_load((ROOT / 'benchmarks/published.yaml').read_text())
    assert all((ROOT / row['config']).exists() for row in published)
    figures = {row['name']: (row['miou'], row['split']) for row in published if 'miou' in row}
    assert all(row['source'].startswith('https://') for row in published if 'miou' in row)
    content = json.loads((ROOT / 'benchmarks/results/rivals.json').read_text())
    rows = [dict(zip(rivals.COLUMNS, row)) for row in content['tables']['networks']['rows']]
    assert {row['network'] for row in rows} == {row['name'] for row in published}
    assert figures == {row['network']: (row['mIoU (%), published'], row['split']) for row in rows if row['split']}
    rivals.draw(content, tmp_path / 'new' / 'rivals.png')
    assert (tmp_path / 'new' / 'rivals.png').stat().st_size > 10000
