"""Fewer threads where other processes want the processors, too."""
import threading
import time
from contextlib import contextmanager
from typing import Iterator

import torch

SHARE = 0.8  # of the time that this thread runs on a machine that is not busy
_STATE = threading.local()  # .clock: wall and processor time at the last look, inside the block


@contextmanager
def one_thread_when_busy(device: torch.device) -> Iterator[None]:
    """In the block, :func:`look` takes all threads but one away when this one has had to wait.

    PyTorch's threads meet after every operation. Where another process holds the processor of one of them, all wait,
    dozens of times an iteration, and together take longer than one alone. Results do not depend on it.
    """
    threads = torch.get_num_threads()
    if device.type != 'cpu' or threads == 1 or getattr(_STATE, 'clock', None):
        yield
        return
    _STATE.clock = _times()
    try:
        yield
    finally:
        _STATE.clock = None
        if torch.get_num_threads() != threads:
            torch.set_num_threads(threads)


def look() -> None:
    """To be called every few milliseconds."""
    clock = getattr(_STATE, 'clock', None)
    if clock and torch.get_num_threads() > 1:
        _STATE.clock = wall, work = _times()
        if work - clock[1] < SHARE * (wall - clock[0]):
            torch.set_num_threads(1)


def _times():
    return time.perf_counter(), time.thread_time()
