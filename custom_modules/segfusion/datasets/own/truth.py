"""Truth as people keep it, masks or polygons, read into one form: an integer a pixel."""
import io
import json
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Dict, List, Optional, Sequence, Tuple

import numpy as np
from PIL import Image

from ..checks import few, require_folder, stems

COCO = dict(images={'id', 'file_name', 'height', 'width'}, annotations={'image_id', 'category_id'},
            categories={'id', 'name'})
SUFFIXES = ('.png', '.jpg', '.jpeg', '.webp', '.bmp', '.tif', '.tiff')


@dataclass
class Truth:
    """Truth of one image.

    ``values`` (H, W), int64, are numbers of an 8-bit 'grey' mask, of a 'palette', of a 'wide' mask (16 bits or 1), of
    a 'grey-rgb' mask (three equal channels), codes ``R << 16 | G << 8 | B`` of a 'colour' mask, or 'polygon' labels: 0
    in no polygon, i + 1 for label i. ``palette`` is (256, 3).
    """
    kind: str
    values: np.ndarray
    palette: Optional[np.ndarray] = None

    def colours(self, values: np.ndarray) -> np.ndarray:
        """Codes of the colours that some ``values`` stand for."""
        if self.kind == 'colour':
            return values
        if self.kind == 'palette':
            return pack(self.palette)[values]
        return values * 0x010101


def pack(colours: np.ndarray) -> np.ndarray:
    """``R << 16 | G << 8 | B`` of colours (..., 3) in 0..255."""
    colours = colours.astype(np.int64)
    return colours[..., 0] << 16 | colours[..., 1] << 8 | colours[..., 2]


def unpack(code: int) -> Tuple[int, int, int]:
    return code >> 16, code >> 8 & 255, code & 255


def read_mask(path: Path) -> Truth:
    """Raises OSError or SyntaxError if it cannot be read, ValueError if it is no mask."""
    with Image.open(io.BytesIO(path.read_bytes())) as file:
        file.load()
        mode, array = file.mode, np.asarray(file)
        if mode == 'P':
            colours = np.array(file.getpalette(), np.uint8).reshape(-1, 3)
            palette = np.zeros((256, 3), np.uint8)
            palette[:len(colours)] = colours
            return Truth('palette', array.astype(np.int64), palette)
    if mode in ('RGBA', 'LA'):
        if (array[..., -1] != 255).any():
            raise ValueError('has transparent pixels, which are no class: save it without alpha channel')
        array = array[..., :-1] if mode == 'RGBA' else array[..., 0]
    elif mode not in ('1', 'L', 'RGB') and not mode.startswith('I'):
        raise ValueError(f'expected grey values, a palette, RGB or 16-bit numbers but got a {mode} image')
    if array.ndim == 3:
        if (array == array[..., :1]).all():
            return Truth('grey-rgb', array[..., 0].astype(np.int64))
        return Truth('colour', pack(array))
    return Truth('grey' if mode == 'L' else 'wide', array.astype(np.int64))


class MaskFolder:
    """Masks with the images' names, and a suffix of their own if need be, e.g. ``_mask.png``."""
    labels: Optional[List[str]] = None  # nobody knows what the values mean

    def __init__(self, folder: Path, suffix: Optional[str]) -> None:
        require_folder(str(folder), 'masks', 'Pass the folder of the masks, of LabelMe files, or a COCO .json file.')
        self.folder = folder
        self.files = stems(str(folder), (suffix, ) if suffix else SUFFIXES)
        self.suffixes = sorted({name[len(stem):] for stem, name in self.files.items()})

    def path(self, stem: str) -> Path:
        return self.folder / self.files[stem]

    def read(self, stem: str, size: Tuple[int, int]) -> Truth:
        return read_mask(self.path(stem))


class LabelMeFolder:
    """LabelMe's .json files: polygons, rectangles and circles, in the order in which they lie on each other."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.files = stems(str(folder), ('.json', ))
        labels = set()
        for stem in self.files:
            labels |= {str(shape['label']) for shape in self._content(stem)['shapes']}
        self.labels = sorted(labels)

    def path(self, stem: str) -> Path:
        return self.folder / self.files[stem]

    def _content(self, stem: str) -> Dict[str, Any]:
        content = read_json(self.path(stem))
        if not isinstance(content, dict) or not isinstance(content.get('shapes'), list):
            raise ValueError(f'{self.path(stem)}: expected a LabelMe file, but it has no list of shapes')
        if not all(isinstance(s, dict) and 'label' in s and 'points' in s for s in content['shapes']):
            raise ValueError(f'{self.path(stem)}: expected shapes with a label and points, but one lacks them')
        return content

    def read(self, stem: str, size: Tuple[int, int]) -> Truth:
        content = self._content(stem)
        width, height = size
        stated = content.get('imageWidth') or width, content.get('imageHeight') or height
        values = np.zeros(stated[::-1], np.int64)
        for shape in content['shapes']:
            values[inside(outline(shape), values.shape)] = self.labels.index(str(shape['label'])) + 1
        return Truth('polygon', values)


def outline(shape: Dict[str, Any]) -> List[np.ndarray]:
    """Polygons of one LabelMe shape."""
    kind, points = shape.get('shape_type') or 'polygon', np.array(shape['points'], np.float64)
    if kind == 'polygon' and len(points) > 2:
        return [points]
    if kind == 'rectangle' and len(points) == 2:
        (x0, y0), (x1, y1) = points
        return [np.array([(x0, y0), (x1, y0), (x1, y1), (x0, y1)])]
    if kind == 'circle' and len(points) == 2:
        angles = np.arange(360) * np.pi / 180
        radius = np.linalg.norm(points[1] - points[0])
        return [points[0] + radius * np.stack([np.cos(angles), np.sin(angles)], 1)]
    raise ValueError(f'the shape {shape["label"]!r} is a {kind} of {len(points)} points: expected a polygon of three '
                     'or more, a rectangle or a circle; draw it as a polygon, or delete it')


class CocoFile:
    """A COCO .json file of polygons. It orders nothing, so smaller objects lie on larger ones."""

    def __init__(self, path: Path) -> None:
        content = read_json(path)
        for part, keys in COCO.items():
            if not isinstance(content, dict) or not isinstance(content.get(part), list):
                raise ValueError(f'{path}: expected a COCO file with lists {", ".join(COCO)}, but it has no {part}')
            if not all(keys <= item.keys() for item in content[part]):
                raise ValueError(f'{path}: expected {", ".join(sorted(keys))} in each of {part}, but one lacks them')
        self.file = path
        categories = sorted(content['categories'], key=lambda c: c['id'])
        self.labels = [c['name'] for c in categories]
        self.place = {c['id']: i + 1 for i, c in enumerate(categories)}
        self.images = {str(Path(image['file_name']).with_suffix('')): image for image in content['images']}
        self.files = {stem: image['file_name'] for stem, image in self.images.items()}
        self.annotations: Dict[int, List[dict]] = defaultdict(list)
        for annotation in content['annotations']:
            self.annotations[annotation['image_id']].append(annotation)

    def path(self, stem: str) -> str:
        return f'{self.file} ({self.files[stem]})'

    def read(self, stem: str, size: Tuple[int, int]) -> Truth:
        image = self.images[stem]
        values = np.zeros((image['height'], image['width']), np.int64)
        objects: List[Tuple[np.ndarray, int]] = []
        for annotation in self.annotations[image['id']]:
            parts = annotation.get('segmentation')
            number = annotation.get('id')
            if not isinstance(parts, list) or not parts:
                what = 'is run-length coded' if isinstance(parts, dict) else 'has no polygon'
                raise ValueError(f'annotation {number} {what}: expected polygons; decode it with pycocotools and pass '
                                 'a folder of masks, or delete it')
            if any(len(part) < 6 or len(part) % 2 for part in parts):
                raise ValueError(f'annotation {number} has a polygon of fewer than three points: delete it')
            if annotation['category_id'] not in self.place:
                raise ValueError(f'annotation {number} is of category {annotation["category_id"]}, which the file does '
                                 'not name')
            covered = np.zeros(values.shape, bool)
            for part in parts:  # an object in several pieces
                covered |= inside([np.array(part, np.float64).reshape(-1, 2)], values.shape)
            objects.append((covered, self.place[annotation['category_id']]))
        for covered, value in sorted(objects, key=lambda o: -o[0].sum()):
            values[covered] = value
        return Truth('polygon', values)


def inside(polygons: Sequence[np.ndarray], shape: Tuple[int, int]) -> np.ndarray:
    """Pixels whose centre lies in polygons, by the even-odd rule.

    Convention: points are (x, y) from the image's upper left corner, so the centre of the first pixel is (0.5, 0.5),
    as in LabelMe and COCO. Of a border that runs through centres, the left and upper pixels belong to the polygon.

    Shape:
        - polygons of (P, 2) -> (H, W), bool
    """
    height, width = shape
    flips = np.zeros((height, width + 1), np.int64)
    for points in polygons:
        for (x0, y0), (x1, y1) in zip(points, np.roll(points, -1, 0)):
            if y0 > y1:
                x0, y0, x1, y1 = x1, y1, x0, y0
            rows = np.arange(max(int(np.ceil(y0 - 0.5)), 0), min(int(np.ceil(y1 - 0.5)), height))
            if len(rows):  # centres with y0 <= row + 0.5 < y1, so that a corner counts once
                crossing = x0 + (rows + 0.5 - y0) * (x1 - x0) / (y1 - y0)
                columns = np.ceil(crossing - 0.5).clip(0, width).astype(np.int64)
                np.add.at(flips, (rows, columns), 1)
    return flips.cumsum(1)[:, :width] % 2 == 1


def read_json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding='utf-8'))
    except ValueError as error:
        raise ValueError(f'{path}: is no whole JSON file ({error}); copy or export it again') from None


def open_truth(path: Path, suffix: Optional[str] = None, images: Optional[Path] = None):
    """Reader of what ``path`` holds: a COCO file, a folder of LabelMe files (perhaps with the images), or of masks."""
    if path.is_file():
        return CocoFile(path)
    if path.is_dir() and not suffix:
        found = [p for p in path.rglob('*') if p.is_file() and p.suffix.lower() in (*SUFFIXES, '.json')]
        if any(p.suffix == '.json' for p in found):
            others = [p.name for p in found if p.suffix == '.png']
            if others and (images is None or images.resolve() != path.resolve()):
                raise ValueError(f'{path} holds both masks ({few(others, 2)}) and .json files: pass --mask-suffix .png '
                                 'to take the masks, or a folder of one kind')
            return LabelMeFolder(path)
    return MaskFolder(path, suffix)
