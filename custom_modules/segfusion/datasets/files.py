"""Writing files that several processes may want at once, and saying how far a long job is."""
import os
import os.path as osp
import sys
import tempfile
import time
from typing import Iterator, Sequence


def write_whole(path: str, data: bytes) -> None:
    """Write ``path`` so that nobody ever sees half of it: a temporary file in the same folder, then a rename."""
    handle, temporary = tempfile.mkstemp(dir=osp.dirname(path), prefix='.' + osp.basename(path), suffix='.tmp')
    try:
        with os.fdopen(handle, 'wb') as file:
            file.write(data)
        umask = os.umask(0)
        os.umask(umask)
        os.chmod(temporary, 0o666 & ~umask)  # mkstemp makes files private
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
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
