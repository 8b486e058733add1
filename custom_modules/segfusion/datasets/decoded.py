"""A copy of a data set that costs little to decode: the same pixels, PNG without compression."""
import io
from pathlib import Path
from typing import Dict, Union

import cv2
import numpy as np
from PIL import Image

from .files import progress, write_whole

SUFFIXES = ('.png', '.webp', '.jpg', '.jpeg', '.bmp')
# Undoing a filter of PNG takes longer than unpacking; label maps pack well without one
# OpenCV before 4.11 has no choice of filter; its own reads a little slower
NO_FILTER = (cv2.IMWRITE_PNG_FILTER, cv2.IMWRITE_PNG_FILTER_NONE) if hasattr(cv2, 'IMWRITE_PNG_FILTER') else ()
PHOTOGRAPH = (cv2.IMWRITE_PNG_COMPRESSION, 0, *NO_FILTER)
LABELS = (cv2.IMWRITE_PNG_COMPRESSION, 1, *NO_FILTER)


def decoded(data: bytes) -> bytes:
    """An image file as PNG that loads quickly and to the same pixels; with transparency, 1 or 16 bits as it is.

    Raises:
        ValueError: If it cannot be read.
    """
    try:
        with Image.open(io.BytesIO(data)) as image:
            image.load()
            if image.mode == 'P' and 'transparency' not in image.info:
                file = io.BytesIO()
                image.save(file, 'PNG', compress_level=1)  # indices and palette; libpng filters none
                return file.getvalue()
            if image.mode in ('1', 'P', 'RGBA', 'LA') or image.mode.startswith(('I', 'F')):
                return data
            label = np.asarray(image) if image.mode == 'L' and image.format == 'PNG' else None
    except (OSError, SyntaxError) as error:
        raise ValueError('the image cannot be read (empty, cut off, or of another format)') from error
    if label is not None:
        return cv2.imencode('.png', label, LABELS)[1].tobytes()
    # as LoadImageFromFile reads it, turned as EXIF says
    return cv2.imencode('.png', cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR), PHOTOGRAPH)[1].tobytes()


def decode_folder(src: Union[str, Path], dst: Union[str, Path], quiet: bool = False) -> Dict[str, int]:
    """Write every image below ``src`` to ``dst`` as :func:`decoded` makes it, suffix .png; other files are copied.

    A run that was cut off is continued by the same call: files that are there stay.

    Returns:
        dict: ``images`` and ``others`` that were written, ``kept`` that were there.

    Raises:
        FileNotFoundError: If ``src`` is no folder.
        ValueError: If one folder lies in the other, two images would have one name, or an image cannot be read; names
            the file.
    """
    src, dst = Path(src).resolve(), Path(dst).resolve()
    if not src.is_dir():
        raise FileNotFoundError(f'expected a folder of images in {src} but there is none')
    if src == dst or src in dst.parents or dst in src.parents:
        raise ValueError(f'expected two folders of which none lies in the other, got {src} and {dst}')
    files = sorted(p for p in src.rglob('*') if p.is_file())
    images = {p for p in files if p.suffix.lower() in SUFFIXES}
    targets: Dict[Path, Path] = {}
    for path in files:
        target = dst / path.relative_to(src)
        target = target.with_suffix('.png') if path in images else target
        if target in targets:
            raise ValueError(f'{path} and {targets[target]} would both be {target}: rename one')
        targets[target] = path
    todo = [target for target in targets if not target.exists()]
    done = dict(images=0, others=0, kept=len(targets) - len(todo))
    for target in progress(todo, f'decoding {src} into {dst}', quiet):
        path = targets[target]
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            write_whole(target, decoded(path.read_bytes()) if path in images else path.read_bytes())
        except ValueError as error:
            raise ValueError(f'{path}: {error}') from error
        done['images' if path in images else 'others'] += 1
    return done
