"""A config with overrides, and the folders it reads."""
import difflib
import os.path as osp
from pathlib import Path
from typing import Iterator, List, Tuple, Union

from mmengine.config import Config, DictAction
from mmseg.registry import DATASETS

from ..datasets.checks import leaf_datasets

DRAWN_ON_USE = ('StreetScenes', )
SUFFIXES = ('.py', '.yml', '.yaml', '.json')
PACKAGE = Path(__file__).resolve().parents[1]
SHIPPED = (PACKAGE.parents[1], PACKAGE / '.mim')  # what holds configs/ and projects/: a checkout, a wheel
ROOTS = tuple(root / 'configs' for root in SHIPPED)
SPLITS = ('train', 'val', 'test')


def shipped_configs() -> List[Path]:
    """Every config of the package that is no base, in a checkout and in an installed wheel."""
    return [p for root in ROOTS for p in sorted(root.glob('*/*.py')) if '_base_' not in p.parts]


def shipped(path: Union[str, Path]) -> Path:
    """The file or folder that is meant: as seen from here or, if there is none, from what the package ships."""
    return next((p for p in (Path(path), *(root / path for root in SHIPPED)) if p.exists()), Path(path))


def load_config(path: str, options: List[str] = ()) -> Config:
    """``Config.fromfile`` and overrides as mmseg's ``--cfg-options`` takes them (``key=value``).

    Raises:
        FileNotFoundError: If there is no such file; names the config of ours that is nearest.
        ValueError: If the file is no config, an override has no value, or this package is named as it once was.
    """
    if not osp.isfile(path):
        stem = osp.basename(path).rsplit('.', 1)[0]
        known = {p.stem: p for p in shipped_configs()}
        close = [n for n in known if stem in n] or difflib.get_close_matches(stem, known, n=1, cutoff=0.5)
        hint = f'; did you mean {", ".join(str(known[n]) for n in close[:2])}?' if close else ''
        raise FileNotFoundError(f'no config at {path}{hint}')
    if not path.endswith(SUFFIXES):
        raise ValueError(f'expected a config ({", ".join("*" + s for s in SUFFIXES)}), got {path}')
    imports = (Config.fromfile(path, import_custom_modules=False).get('custom_imports') or {}).get('imports')
    if 'custom_modules' in str(imports):
        raise ValueError(f'{path} imports {imports}, this package by its former name: write custom_imports=dict('
                         f"imports=['segfusion']), e.g. by sed -i 's/custom_modules/segfusion/g' {path}")
    config = Config.fromfile(path)
    overrides = {}
    for option in options:
        key, equals, value = option.partition('=')
        if not equals:
            raise ValueError(f'expected an override key=value, got {option!r}')
        overrides[key] = DictAction._parse_iterable(value)  # private to mmengine
    config.merge_from_dict(overrides)
    return config


def data_folders(config: Config) -> Iterator[Tuple[str, str, bool]]:
    """(split, folder, whether it is made on first use) of everything a config reads; loads no file list."""
    for split in SPLITS:
        loader = config.get(f'{split}_dataloader')
        for leaf in leaf_datasets(loader.dataset) if loader else ():
            dataset = DATASETS.build(dict(leaf, lazy_init=True, pipeline=[]))
            for folder in (getattr(dataset, 'data_prefix', None) or {}).values():
                yield split, folder, leaf.type in DRAWN_ON_USE
