"""A config with overrides, and the folders it reads."""
from typing import Iterator, List, Tuple

from mmengine.config import Config, ConfigDict, DictAction
from mmseg.registry import DATASETS

DRAWN_ON_USE = ('StreetScenes', )
SPLITS = ('train', 'val', 'test')


def load_config(path: str, options: List[str] = ()) -> Config:
    """``Config.fromfile`` and overrides as mmseg's ``--cfg-options`` takes them (``key=value``)."""
    config = Config.fromfile(path)
    overrides = {}
    for option in options:
        key, equals, value = option.partition('=')
        if not equals:
            raise ValueError(f'expected an override key=value, got {option!r}')
        overrides[key] = DictAction._parse_iterable(value)
    config.merge_from_dict(overrides)
    return config


def leaf_datasets(dataset: ConfigDict) -> Iterator[ConfigDict]:
    """The data sets inside ``ConcatDataset``, ``RepeatDataset`` and other wrappers."""
    inner = dataset.get('datasets') or ([dataset['dataset']] if 'dataset' in dataset else [])
    if not inner:
        yield dataset
    for one in inner:
        yield from leaf_datasets(one)


def data_folders(config: Config) -> Iterator[Tuple[str, str, bool]]:
    """(split, folder, whether it is made on first use) of everything a config reads; loads no file list."""
    for split in SPLITS:
        loader = config.get(f'{split}_dataloader')
        for leaf in leaf_datasets(loader.dataset) if loader else ():
            dataset = DATASETS.build(dict(leaf, lazy_init=True, pipeline=[]))
            for folder in (getattr(dataset, 'data_prefix', None) or {}).values():
                yield split, folder, leaf.type in DRAWN_ON_USE
