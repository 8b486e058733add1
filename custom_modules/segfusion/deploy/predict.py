"""Images, folders and videos in; overlays, masks and class areas out."""
import csv
import os
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Callable, Dict, Iterator, List, Optional, Tuple, Union

import cv2
import numpy as np
import torch
from mmseg.apis import inference_model
from PIL import Image
from torch import nn

from ..datasets.files import progress
from ..visualization.panel import class_legend, colour
from .folder import IMAGES, label_dtype, voc_palette
from .large_image import label_in_windows
from .post_process import dense_crf
from .windows import pixels_at_once

VIDEOS = ('.mp4', '.avi', '.mov', '.mkv', '.webm', '.m4v')


@dataclass
class Prediction:
    """One image: class numbers (H, W) and the logits (C, H, W) they come from; None if it was done in windows."""
    labels: np.ndarray
    logits: Optional[torch.Tensor]


@dataclass
class PredictionReport:
    """What :func:`predict` did: the share of every class a file, and files that could not be read, with the reason."""
    classes: List[str]
    areas: Dict[str, np.ndarray] = field(default_factory=dict)
    unreadable: Dict[str, str] = field(default_factory=dict)


def predict_image(model: nn.Module, image: Union[str, np.ndarray], crf: Optional[dict] = None, *,
                  pixels: Optional[int] = None, report: Callable = progress) -> Prediction:
    """Segment one image.

    An image of more than ``pixels`` is done in windows, by :func:`~.large_image.label_in_windows`: memory stays that of
    one window.

    Args:
        model: From :func:`~.load.load_segmentor`, or an :class:`~.onnx_segmentor.OnnxSegmentor`.
        image: Path, or RGB image (H, W, 3), uint8.
        crf: Refine by a dense CRF: arguments of :func:`segfusion.deploy.post_process.dense_crf`, ``{}`` for its
            defaults. Defaults to None: no CRF.
        pixels: Largest image, and largest window, to look at in one piece. Defaults to
            :func:`~.windows.pixels_at_once` of the classes, 4.2 million up to 64.
        report: Wraps the list of windows, to show progress.

    Raises:
        FileNotFoundError, ValueError: If there is no such file, or it is not an image.
    """
    image = read_image(image) if isinstance(image, (str, os.PathLike)) else _as_image(image)
    if crf is not None and model.out_channels == 1:
        raise ValueError('the CRF needs a logit for every class, this network has one output for two classes; '
                         'leave --crf away')
    pixels = pixels or pixels_at_once(model.out_channels)
    if image.shape[0] * image.shape[1] > pixels:
        return Prediction(label_in_windows(model, image, pixels, crf=crf, report=report), None)
    result = inference_model(model, np.ascontiguousarray(image[..., ::-1]))  # mmseg's pipelines take BGR
    logits, labels = result.seg_logits.data.cpu(), result.pred_sem_seg.data[0].cpu().numpy()
    if crf is not None:
        rgb = torch.from_numpy(np.ascontiguousarray(image)).permute(2, 0, 1).float()
        scores = dense_crf(rgb, logits.float(), logits=True, pixels=pixels, **crf)
        logits, labels = scores.clamp(min=1e-12).log(), scores.argmax(0).numpy()
    return Prediction(labels.astype(label_dtype(len(logits))), logits)


def predict(model: nn.Module, source: str, out: str, *, crf: Optional[dict] = None, opacity: float = 0.5,
            overwrite: bool = False, report: Callable = progress,
            pixels: Optional[int] = None) -> PredictionReport:
    """Segment an image, every image of a folder, or every frame of a video.

    Writes ``masks/<name>.png`` (class numbers; 16 bits if there are more than 256 classes), ``overlays/<name>.png`` (or
    ``overlay.mp4``), ``legend.png`` and ``areas.csv`` (the share of every class, a line a file or frame) below ``out``.

    Args:
        model: As in :func:`predict_image`.
        source: Image, folder or video.
        out: Folder to write to.
        crf: As in :func:`predict_image`.
        opacity: Of the colours over the image, 0..1. Defaults to 0.5.
        overwrite: Whether to write into a folder that holds something. Defaults to False.
        report: Wraps the list of what is to be done, to show progress: the files, or the windows of a single one.
        pixels: As in :func:`predict_image`.

    Returns:
        The areas, and what could not be read. Unreadable images in a folder are left out and named here.

    Raises:
        FileNotFoundError: If ``source`` does not exist.
        FileExistsError: If ``out`` holds something.
        ValueError: If there is nothing to do: no image in the folder, or a single one that cannot be read.
    """
    if not 0 <= opacity <= 1:
        raise ValueError(f'opacity must be between 0 and 1, got {opacity}')
    frames, total = _frames(Path(source))
    folder = Path(out)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())) and not overwrite:
        raise FileExistsError(f'{out} exists and is not empty; choose another folder or pass --overwrite')
    classes = [str(name) for name in (model.dataset_meta or {}).get('classes') or []]
    classes = classes or [f'class {i}' for i in range(max(model.out_channels, 2))]  # one output tells two classes
    colours = (model.dataset_meta or {}).get('palette') or voc_palette(len(classes)).tolist()
    video = _is_video(Path(source))
    for name in ('masks', ) if video else ('masks', 'overlays'):
        (folder / name).mkdir(parents=True, exist_ok=True)
    class_legend(colours, classes, 640).save(folder / 'legend.png')
    done, film = PredictionReport(classes), None
    with open(folder / 'areas.csv', 'w', newline='') as file:
        table = csv.writer(file)
        table.writerow(['file', 'width', 'height', *map(harmless, classes)])
        each, inside = (_quietly, report) if total == 1 else (report, _quietly)
        for _, (name, read) in zip(each(range(total), 'predicting'), frames):
            try:
                image = read()
            except (ValueError, OSError) as error:
                if total == 1:
                    raise
                done.unreadable[name] = str(error)
                continue
            labels = predict_image(model, image, crf, pixels=pixels, report=inside).labels
            overlay = draw_overlay(image, labels, colours, opacity)
            Image.fromarray(labels).save(folder / 'masks' / f'{Path(name).stem}.png')
            if video:
                film = film or _film(folder / 'overlay.mp4', Path(source), image.shape)
                film.write(overlay[..., ::-1])
            else:
                Image.fromarray(overlay).save(folder / 'overlays' / f'{Path(name).stem}.png')
            area = np.bincount(labels.ravel(), minlength=len(classes))[:len(classes)] / labels.size
            done.areas[name] = area
            table.writerow([harmless(name), image.shape[1], image.shape[0], *(f'{share:.6f}' for share in area)])
            file.flush()  # an interrupted run keeps what it has
    if film is not None:
        film.release()
    return done


def draw_overlay(image: np.ndarray, labels: np.ndarray, colours, opacity: float = 0.5) -> np.ndarray:
    """The classes' colours over an RGB image (H, W, 3)."""
    overlay = np.empty_like(image)
    for start in range(0, len(image), 256):  # a large image as floating point numbers is many times as large
        rows = slice(start, start + 256)
        mixed = (1 - opacity) * image[rows].astype(np.float32) + opacity * colour(labels[rows], colours)
        overlay[rows] = mixed.round().clip(0, 255)
    return overlay


def read_image(path: Union[str, os.PathLike]) -> np.ndarray:
    """An RGB image (H, W, 3), uint8; grey, palette and transparent images become RGB."""
    if not os.path.isfile(path):
        raise FileNotFoundError(f'there is no file {path}')
    data = np.fromfile(path, np.uint8)
    image = cv2.imdecode(data, cv2.IMREAD_COLOR) if data.size else None
    if image is None:
        raise ValueError(f'{path} is not an image that can be read ({data.size} bytes): empty, cut off, or of another '
                         'format; open it elsewhere, or leave it out')
    return image[..., ::-1]


def _as_image(image: np.ndarray) -> np.ndarray:
    image = np.asarray(image)
    if image.ndim == 3 and image.shape[2] == 3 and image.dtype == np.uint8:
        return image
    remedy = 'load it with PIL.Image.open(path).convert("RGB")'
    if image.ndim == 3 and image.shape[2] == 4:
        remedy = 'leave the alpha channel out, image[..., :3]'
    elif image.ndim == 3 and image.shape[0] in (3, 4):
        remedy = 'put the channels last, image.transpose(1, 2, 0)'
    elif image.ndim == 3 and image.shape[2] == 3:
        remedy = 'convert its colour levels, e.g. (255 * image).round().astype("uint8") for colours in 0..1'
    raise ValueError(f'expected an RGB image (height, width, 3) of type uint8, got {image.shape} of type '
                     f'{image.dtype}; {remedy}')


def harmless(text: str) -> str:
    """A table cell that no spreadsheet takes for a formula."""
    return f"'{text}" if text[:1] in ('=', '+', '-', '@', '\t', '\r') else text


def _quietly(items, what: str):
    return items


def _is_video(path: Path) -> bool:
    return path.suffix.lower() in VIDEOS


def _frames(source: Path) -> Tuple[Iterator[Tuple[str, Callable]], int]:
    """(name, function that reads it) of everything there is to do, and how much that is."""
    if not source.exists():
        raise FileNotFoundError(f'there is no file or folder {source}')
    if source.is_dir():
        found = sorted(p for p in source.iterdir() if p.suffix.lower() in IMAGES)
        if not found:
            raise ValueError(f'no images in {source}: expected files ending with {", ".join(IMAGES)}; found '
                             f'{_what(source)}')
        stems = Counter(p.stem for p in found)
        twice = next((p.name for p in found if stems[p.stem] > 1), None)
        if twice:
            raise ValueError(f'{source} holds several images named like {twice} but for the suffix; their masks '
                             'would replace each other')
        return iter([(p.name, lambda p=p: read_image(p)) for p in found]), len(found)
    if _is_video(source):
        capture = cv2.VideoCapture(str(source))
        total = int(capture.get(cv2.CAP_PROP_FRAME_COUNT))
        if not capture.isOpened() or total < 1:
            raise ValueError(f'{source} is not a video that OpenCV can read; convert it, e.g. ffmpeg -i IN OUT.mp4')
        return ((f'{i:06d}', lambda: _next_frame(capture, source)) for i in range(total)), total
    if source.suffix.lower() not in IMAGES:
        raise ValueError(f'{source}: expected an image ({", ".join(IMAGES)}), a video ({", ".join(VIDEOS)}) or a '
                         'folder of images')
    return iter([(source.name, lambda: read_image(source))]), 1


def _what(folder: Path) -> str:
    inside = sorted(p.name for p in folder.iterdir())
    return f'{len(inside)} other entries, e.g. {inside[0]}' if inside else 'nothing'


def _next_frame(capture, source: Path) -> np.ndarray:
    ok, frame = capture.read()
    if not ok:
        raise ValueError(f'{source} ends before its last frame')
    return frame[..., ::-1]


def _film(path: Path, source: Path, shape):
    rate = cv2.VideoCapture(str(source)).get(cv2.CAP_PROP_FPS) or 25
    return cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*'mp4v'), rate, (shape[1], shape[0]))
