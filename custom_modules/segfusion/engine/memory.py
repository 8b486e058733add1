"""Memory of large maps, kept by the process."""
import ctypes
import platform

# Of glibc's malloc.h
M_TRIM_THRESHOLD, M_MMAP_MAX = -1, -4


def keep_freed_memory() -> bool:
    """Have the C library keep what is freed, for the next map of a network.

    glibc takes every block above 32 MB from the system and gives it back when it is freed. The system clears each page
    once more when it is touched: for a network on a CPU, whose maps are that large from some 512x1024 pixels on, that
    is a quarter of the time and more. Afterwards the process keeps the most that it has used, until it ends.

    Returns:
        Whether that could be arranged: on Linux with glibc.
    """
    if platform.libc_ver()[0] != 'glibc':
        return False
    mallopt = ctypes.CDLL(None).mallopt
    return bool(mallopt(M_MMAP_MAX, 0) and mallopt(M_TRIM_THRESHOLD, -1))
