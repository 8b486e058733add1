import platform
import subprocess
import sys

import pytest

PROGRAM = """
import resource, torch
from segfusion.engine.memory import keep_freed_memory

def faults():
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt

def use():
    before = faults()
    for _ in range(4):
        torch.empty(48 * 2**18).fill_(1)  # 48 MiB, 12288 pages
    return faults() - before

before = use()
assert keep_freed_memory()
for _ in range(5):  # until the heap has room for what lies between
    use()
print(before, use())
"""


@pytest.mark.skipif(platform.libc_ver()[0] != 'glibc', reason='an option of glibc')
def test_freed_memory_is_used_again_without_faults():
    """In a process of its own: it cannot be undone."""
    out = subprocess.run([sys.executable, '-c', PROGRAM], check=True, capture_output=True, text=True).stdout
    before, after = map(int, out.split())
    assert before >= 4 * 12288 and after < 1000
