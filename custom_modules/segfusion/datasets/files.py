"""Files that are there whole or not at all, and how far a long job is."""
import os
import secrets
import sys
import time
from pathlib import Path
from typing import Iterator, Sequence, Union

PARTIAL = '.partial'


def write_whole(path: Union[str, Path], data: Union[bytes, str]) -> None:
    """Write ``path`` so that nobody ever sees half of it, whatever is killed and whoever else writes it.

    The bytes go to a file beside it, to the disk, and only then to its name. If that fails (a full disk), what was at
    ``path`` is still there, and nothing else.
    """
    path = Path(path)
    partial = path.with_name(f'{path.name}.{secrets.token_hex(4)}{PARTIAL}')  # of this process alone
    try:
        with open(partial, 'xb') as file:
            file.write(data.encode() if isinstance(data, str) else data)
            file.flush()
            os.fsync(file.fileno())  # a rename may reach the disk before the data it names
        os.replace(partial, path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise


def progress(items: Sequence, what: str, quiet: bool = False) -> Iterator:
    """Yield ``items`` and print how many are done: on one line in a terminal, every tenth of them in a log.

    mmengine's ``ProgressBar`` prints once an item, which is one line each in a log.
    """
    total = len(items)
    start, live = time.time(), sys.stdout.isatty()
    step = 1 if live else max(total // 10, 1)
    for done, item in enumerate(items, 1):
        yield item
        if not quiet and (done % step == 0 or done == total):
            took = time.time() - start
            text = f'{what}: {done}/{total}, {took:.0f} s, {took / done * (total - done):.0f} s left'
            print(f'\r{text}   ' if live else text, end='\n' if done == total or not live else '', flush=True)
