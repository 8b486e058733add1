import os
import socket

import pytest
import torch

import segfusion

torch.set_num_threads(1 if 'PYTEST_XDIST_WORKER' in os.environ else 2)


@pytest.fixture(autouse=True)
def seeded():
    """Every test draws the same numbers, alone or in any order; mmseg's names resolve without a prefix."""
    segfusion.register_all()
    torch.manual_seed(0)


@pytest.fixture(autouse=True, scope='session')
def offline():
    """No test downloads: to look up another machine is an error at once."""
    look_up = socket.getaddrinfo

    def refuse(host, *args, **kwargs):
        if host in (None, '', 'localhost', '127.0.0.1', '::1', socket.gethostname()):
            return look_up(host, *args, **kwargs)
        raise OSError(f'a test wants to reach {host!r}')

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket, 'getaddrinfo', refuse)
        yield
