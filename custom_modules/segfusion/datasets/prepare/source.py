"""What one downloads, as files by name: folders, archives, and archives inside archives look alike."""
import fnmatch
import gzip
import hashlib
import lzma
import shutil
import tarfile
import tempfile
import zipfile
import zlib
from pathlib import Path
from typing import IO, Callable, Dict, List, Optional, Sequence, Union

from ..checks import few

ARCHIVES = ('.zip', '.tar', '.tar.gz', '.tgz')
DAMAGE = (zipfile.BadZipFile, tarfile.TarError, EOFError, zlib.error, lzma.LZMAError, gzip.BadGzipFile)


class Source:
    """All files below a folder, or in one archive; members of archives stand beside the archive's own name.

    Names are relative, with '/'. A member of ``a.zip`` has the name it has in the archive.

    Args:
        root (str or Path): A folder as downloaded, with archives or unpacked; or one archive.
        remedy (str): What to get, and where: the end of every error.

    Raises:
        FileNotFoundError: If ``root`` is missing, or a file that is asked for.
        ValueError: If an archive is cut off or damaged, or a name stands for several files.
    """

    def __init__(self, root: Union[str, Path], remedy: str = '') -> None:
        self.root, self.remedy = Path(root), remedy
        if not self.root.exists():
            raise FileNotFoundError(f'expected a folder or an archive at {self.root.absolute()} but there is nothing. '
                                    f'{remedy}')
        self._read: Dict[str, Callable[[], bytes]] = {}
        self._path: Dict[str, Path] = {}
        self.twice: Dict[str, int] = {}
        for path in [self.root] if self.root.is_file() else sorted(self.root.rglob('*')):
            if not path.is_file():
                continue
            name = path.name if self.root.is_file() else path.relative_to(self.root).as_posix()
            self._path[name] = path
            if path.name.endswith(ARCHIVES):
                self._open(path.name, path)
            else:
                self._add(name, path.read_bytes)

    def find(self, pattern: str) -> List[str]:
        """Sorted names whose end matches a pattern of whole parts, e.g. ``image/*.jpg``."""
        return sorted(name for name in self._read
                      if fnmatch.fnmatch('/' + name, '*/' + pattern) and '__MACOSX' not in name)

    def some(self, pattern: str) -> List[str]:
        """As :meth:`find`, but FileNotFoundError if there is none."""
        found = self.find(pattern)
        if not found:
            raise FileNotFoundError(f'expected files {pattern} in {self.root.absolute()} or in archives there, but '
                                    f'there are none. {self.remedy}')
        return found

    def one(self, *patterns: str) -> str:
        """The only file that matches the first pattern that any file matches."""
        for pattern in patterns:
            found = self.find(pattern)
            if len(found) == 1:
                return found[0]
            if found:
                raise ValueError(f'expected one file {pattern} in {self.root.absolute()} but found {len(found)}: '
                                 f'{few(found)}; leave one of them there')
        raise FileNotFoundError(f'expected {" or ".join(patterns)} in {self.root.absolute()} or in an archive there, '
                                f'but there is none. {self.remedy}')

    def read(self, name: str) -> bytes:
        """The bytes of a file; ValueError if the archive it is in is damaged."""
        if name not in self._read:
            raise FileNotFoundError(f'expected {name} in {self.root.absolute()} or in an archive there, but there is '
                                    f'none. {self.remedy}')
        if name in self.twice:
            raise ValueError(f'{name} is in {self.root.absolute()} {self.twice[name] + 1} times (unpacked and '
                             'packed?); leave one of them there')
        return self._read[name]()

    def path(self, name: str) -> Optional[Path]:
        """Where a file lies, or None if it is in an archive."""
        return self._path.get(name)

    def md5(self, basename: str) -> Optional[str]:
        """MD5 of a file of that name that lies in the folder itself, or None if there is none."""
        for name, path in self._path.items():
            if name.split('/')[-1] == basename:
                digest = hashlib.md5(usedforsecurity=False)
                with open(path, 'rb') as file:
                    for block in iter(lambda: file.read(1 << 20), b''):
                        digest.update(block)
                return digest.hexdigest()
        return None

    def _add(self, name: str, read: Callable[[], bytes]) -> None:
        if name in self._read:
            self.twice[name] = self.twice.get(name, 0) + 1
        self._read[name] = read

    def _open(self, title: str, file: Union[Path, IO[bytes]]) -> None:
        def guarded(read: Callable[[], bytes]) -> Callable[[], bytes]:
            def safe() -> bytes:
                try:
                    return read()
                except (*DAMAGE, OSError) as error:
                    raise ValueError(f'{title} is cut off or damaged ({error}); download it again') from None
            return safe

        try:
            if title.endswith('.zip'):
                archive = zipfile.ZipFile(file)
                members = [(m.filename, lambda m=m: archive.read(m)) for m in archive.infolist() if not m.is_dir()]
            else:
                if title.endswith('gz'):  # unpacked once: a gzip stream goes forward only
                    plain = tempfile.TemporaryFile()
                    with gzip.open(file) as packed:
                        shutil.copyfileobj(packed, plain)
                    plain.seek(0)
                    file = plain
                archive = tarfile.open(file) if isinstance(file, Path) else tarfile.open(fileobj=file)
                members = [(m.name, lambda m=m: archive.extractfile(m).read()) for m in _whole(archive)]
        except DAMAGE as error:
            raise ValueError(f'{title} is cut off or damaged ({error}); download it again') from None
        for name, read in members:
            name = name[2:] if name.startswith('./') else name
            if name.endswith(ARCHIVES):  # as in COCO's panoptic annotations
                inner = tempfile.TemporaryFile()
                inner.write(guarded(read)())
                inner.seek(0)
                self._open(name.split('/')[-1], inner)
            else:
                self._add(name, guarded(read))


def _whole(archive: tarfile.TarFile) -> List[tarfile.TarInfo]:
    """The files of a tar archive; tarfile takes a missing end for the end, so it is looked at."""
    members = archive.getmembers()
    if members:
        last = members[-1]
        archive.fileobj.seek(0, 2)
        if archive.fileobj.tell() < last.offset_data + last.size:
            raise tarfile.ReadError(f'{last.name} is not whole')
    return [m for m in members if m.isfile()]


def need_extra(package: str):
    """Import h5py or scipy.io, or say which extra brings it."""
    try:
        if package == 'h5py':
            import h5py
            return h5py
        import scipy.io
        return scipy.io
    except ImportError as error:
        raise ImportError(f'reading MATLAB files needs {package}: pip install "segfusion[datasets]"') from error


def field(struct: dict, names: Sequence[str], file: str):
    """The first of ``names`` in a MATLAB file's variables, or ValueError naming what is there."""
    for name in names:
        if name in struct:
            return struct[name]
    there = [k for k in struct if not k.startswith('__')]
    raise ValueError(f'{file}: expected the variable {" or ".join(names)} but found {few(there) or "none"}; is it the '
                     'right file?')
