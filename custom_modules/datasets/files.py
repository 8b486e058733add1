"""Writing files that several processes may want at once."""
import os
import os.path as osp
import tempfile


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
