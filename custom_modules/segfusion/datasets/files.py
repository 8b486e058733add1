"""Files that are there whole or not at all, and how far a long job is."""
import os
import secrets
from pathlib import Path
from typing import Iterator, Sequence, Union

from rich.console import Console
from rich.progress import track

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
    """Yield ``items`` below a line that says what is done, and a bar: live in a terminal, once at the end in a log."""
    console = Console(quiet=quiet)
    console.print(what, markup=False, highlight=False, soft_wrap=True)
    yield from track(items, '', console=console, disable=quiet)
