"""Which line set a key; the files are written here so that every line is known."""
import pytest
from mmengine.config import Config

from segfusion.diagnosis.provenance import explain, origins


@pytest.fixture
def chain(tmp_path, monkeypatch):
    (tmp_path / 'base.py').write_text("norm = dict(type='SyncBN')\n"
                                      "n = 19\n"
                                      "model = dict(\n"
                                      "    backbone=dict(type='A', depth=18, norm_cfg=norm),\n"
                                      "    decode_head=dict(type='B', num_classes=n, extra=dict(x=1, y=2)))\n")
    (tmp_path / 'data.yml').write_text('data:\n  root: somewhere\n')
    (tmp_path / 'child.py').write_text("_base_ = ['base.py', 'data.yml']\n"
                                       "model = dict(\n"
                                       "    backbone=dict(depth=50),\n"
                                       "    decode_head=dict(\n"
                                       "        num_classes=11, extra=dict(_delete_=True, z=3)))\n"
                                       "model['decode_head'] = dict(channels=64)\n")
    # mmengine merges what the file's variables hold in the end; written like this only the last assignment counts
    (tmp_path / 'child.py').write_text((tmp_path / 'child.py').read_text().rsplit('model[', 1)[0])
    monkeypatch.chdir(tmp_path)
    return tmp_path / 'child.py'


def test_every_leaf_names_its_file_and_line(chain):
    rows = {key: (value, str(origin)) for key, value, origin in explain(str(chain))}
    assert rows == {
        'model.backbone.type': ('A', 'base.py:4'),
        'model.backbone.depth': (50, 'child.py:3'),
        'model.backbone.norm_cfg.type': ('SyncBN', 'base.py:1'),
        'model.decode_head.type': ('B', 'base.py:5'),
        'model.decode_head.num_classes': (11, 'child.py:5'),
        'model.decode_head.extra.z': (3, 'child.py:5'),
    }


def test_what_is_replaced_is_told_with_its_value(chain):
    found = origins(str(chain))
    before = found['model', 'decode_head', 'num_classes'].before
    assert (str(before), before.text) == ('base.py:5', '19')
    assert found['model', 'backbone', 'type'].before is None


def test_command_line_is_an_origin(chain):
    (row, ) = explain(str(chain), 'model.backbone.depth', ['model.backbone.depth=34'])
    assert row[1] == 34 and str(row[2]) == 'command line' and str(row[2].before) == 'child.py:3'


def test_yaml_and_unknown_prefix(chain):
    (row, ) = explain(str(chain), 'data')
    assert (row[0], row[1], str(row[2])) == ('data.root', 'somewhere', 'data.yml')
    with pytest.raises(ValueError, match="nothing below 'modle'; it has data, model, n, norm"):
        explain(str(chain), 'modle')


def test_all_keys_of_a_real_config_have_an_origin():
    from pathlib import Path
    path = Path(__file__).parents[2] / 'configs' / 'sfnet' / 'sfnet_r18_bilinear_1xb4-1k_street-scenes-192x256.py'
    rows = explain(str(path), '')
    assert [key for key, _, origin in rows if origin is None or not origin.line] == []
    assert {key.split('.')[0] for key, _, _ in rows} == set(Config.fromfile(path))
    align = next(origin for key, _, origin in rows if key == 'model.decode_head.align.type')
    assert align.file.endswith(path.name)


def test_files_that_import_their_bases_are_refused(tmp_path):
    (tmp_path / 'new.py').write_text('from mmengine.config import read_base\nwith read_base():\n    pass\n')
    with pytest.raises(ValueError, match='read_base.*pretty_text'):
        origins(str(tmp_path / 'new.py'))
