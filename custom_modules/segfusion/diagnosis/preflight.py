"""Before a training or a test starts: are the names in its config right?"""
import os.path as osp
from typing import List, Sequence

from ..engine.names import check_names
from .loading import load_config


def config_and_options(arguments: Sequence[str]) -> List:
    """[path of the config or None, overrides] of a command line of mmseg's tools."""
    config = next((a for a in arguments if a.endswith(('.py', '.yml', '.yaml', '.json')) and osp.exists(a)), None)
    options: List[str] = []
    if '--cfg-options' in arguments:
        for word in arguments[list(arguments).index('--cfg-options') + 1:]:
            if word.startswith('--'):
                break
            options.append(word)
    return [config, options]


def refuse_misspelt_names(arguments: Sequence[str]) -> None:
    """SystemExit with the nearest registered names if the config on a command line holds names that are not."""
    config, options = config_and_options(arguments)
    if config is None:
        return  # mmseg's parser says so
    try:
        problems = check_names(load_config(config, options))
    except ValueError as error:
        raise SystemExit(str(error)) from None
    if problems:
        raise SystemExit('\n'.join([f'{config}:', *(f'  {p}' for p in problems)]))
