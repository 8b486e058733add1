"""Networks in eight bits: quantised by ONNX Runtime, and kept only if the labels stay what they were."""
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Callable, Dict, Iterable, Iterator, Optional, Sequence, Set, Tuple

import numpy as np
import torch
import torch.nn.functional as F
from mmengine.config import Config
from mmengine.dataset import Compose
from mmseg.registry import DATASETS
from torch import Tensor, nn

from ..datasets.checks import leaf_datasets
from ..datasets.files import progress, write_whole
from .export import INPUT, OUTPUT, ExportError, export_onnx, require, session
from .load import image_pipeline
from .network import classes_of, decision_threshold

# Between these, numbers stay in eight bits; whatever else a network does (warps, resizes, gates) is done in float.
QUANTISED = ('Conv', 'ConvTranspose', 'Relu', 'Clip', 'Add', 'Concat', 'MaxPool', 'GlobalAveragePool', 'AveragePool')
# operator -> its input that holds positions, where an error of one of 256 steps is one of pixels
POSITIONS = dict(GridSample=1, Gather=1, GatherElements=1, GatherND=1, ScatterElements=1)


@dataclass
class Agreement:
    """An eight-bit file against the same network in float, on images that calibrated nothing."""
    images: int
    labels: float  # share of the pixels that get the same class
    bytes_float: int
    bytes_int8: int

    def __str__(self) -> str:
        return (f'{self.labels:.2%} of the pixels of {self.images} held-out images get the same class as in float; '
                f'{self.bytes_int8 / 1e6:.1f} MB instead of {self.bytes_float / 1e6:.1f} MB')


def export_int8(model: nn.Module,
                path: str,
                size: Tuple[int, int],
                *,
                calibration: Sequence[Tensor],
                held_out: Sequence[Tensor],
                agreement: float = 0.97,
                overwrite: bool = False,
                report: Callable = progress,
                **options) -> Agreement:
    r"""Write a segmentor as an ONNX file that convolves in eight bits; input, output and metadata as in float.

    .. math:: q = clip(round(x / s) + z, 0, 255), \quad q_w = round(w / s_c)

    Activations have one scale :math:`s` a tensor, from the least to the largest value of ``calibration``; weights one
    :math:`s_c` a channel. In float stay warps, resizes, gates, and the convolutions right before them: those that give
    classes, positions (flow, offsets) or gates.

    The numbers depend on the processor: without VNNI instructions, sums of two products may saturate on x86.

    Args:
        model: Segmentor from :func:`~.load.load_segmentor`.
        path: Of the file.
        size: Height and width of the input; with ``dynamic`` of the example.
        calibration: Images (1, 3, H, W), RGB in 0..255, as :class:`ConfigImages` loads them one at a time.
        held_out: Others, on which the classes are compared with the float file's.
        agreement: Least share of equal classes, 0..1. Defaults to 0.97.
        overwrite: Whether to replace an existing file. Defaults to False.
        report: Wraps the images, to show progress.
        **options: Of :func:`~.export.export_onnx`, which writes the float file in between.

    Raises:
        FileExistsError: If ``path`` exists.
        ExportError: If fewer labels agree, or the float file is not what PyTorch computes; nothing is written.
        ImportError: If ``onnx`` or ``onnxruntime`` is missing.
    """
    if os.path.exists(path) and not overwrite:
        raise FileExistsError(f'{path} exists; choose another name or pass --overwrite')
    if not 0 <= agreement <= 1:
        raise ValueError(f'agreement must be a share between 0 and 1, got {agreement}')
    require('onnx', 'onnxruntime')
    with tempfile.TemporaryDirectory() as folder:
        plain = Path(folder, 'float.onnx')
        export_onnx(model, str(plain), size, **options)
        data = quantize(plain.read_bytes(), report(calibration, 'calibrating'))
        same = total = 0
        threshold, runs = decision_threshold(model), (session(str(plain)), session(data))
        for image in report(held_out, 'comparing labels with those in float'):
            image = {INPUT: image.numpy()}
            a, b = (classes_of(torch.from_numpy(run.run([OUTPUT], image)[0]), threshold) for run in runs)
            same, total = same + (a == b).sum().item(), total + a.numel()
        found = Agreement(len(held_out), same / max(total, 1), plain.stat().st_size, len(data))
    if not found.labels >= agreement:
        raise ExportError(f'in eight bits {found}; expected at least {agreement:.2%}, nothing was written. Calibrate '
                          'on more images (--calibration-images), accept less (--agreement), or stay in float')
    os.makedirs(os.path.dirname(os.path.abspath(path)), exist_ok=True)
    write_whole(path, data)
    return found


def quantize(data: bytes, images: Iterable[Tensor]) -> bytes:
    """An ONNX file of :func:`~.export.export_onnx` with its convolutions in eight bits, scales from ``images``."""
    import onnx
    from onnxruntime import quantization
    from onnxruntime.quantization.shape_inference import quant_pre_process

    class Reader(quantization.CalibrationDataReader):
        """One image at a time."""

        def __init__(self):
            self.images = iter(images)

        def get_next(self) -> Optional[Dict[str, np.ndarray]]:
            image = next(self.images, None)
            return None if image is None else {INPUT: image.numpy()}

    with tempfile.TemporaryDirectory() as folder:
        source, simple, result = (os.path.join(folder, f'{name}.onnx') for name in ('source', 'simple', 'result'))
        Path(source).write_bytes(data)
        quant_pre_process(source, simple, skip_symbolic_shape=True)  # folds norms and constants
        quantization.quantize_static(
            simple, result, Reader(), quant_format=quantization.QuantFormat.QDQ, per_channel=True,
            activation_type=quantization.QuantType.QUInt8, weight_type=quantization.QuantType.QInt8,
            op_types_to_quantize=list(QUANTISED), nodes_to_exclude=sorted(float_nodes(onnx.load(simple).graph)))
        model = onnx.load(result)
    properties = {p.key: p.value for p in onnx.load_from_string(data).metadata_props}
    onnx.helper.set_model_props(model, dict(properties, precision='int8'))
    return model.SerializeToString()


def float_nodes(graph) -> Set[str]:
    """Names of the nodes that give classes, positions or gates, back to the convolutions they begin with."""
    made = {name: node for node in graph.node for name in node.output}
    left = [output.name for output in graph.output]
    left += [node.input[POSITIONS[node.op_type]] for node in graph.node if node.op_type in POSITIONS]
    left += [node.input[0] for node in graph.node if node.op_type in ('Sigmoid', 'Softmax')]
    left += [name for node in graph.node if len(node.output) > 1 and node.op_type == 'MaxPool' for name in node.output]
    found: Set[str] = set()
    while left:
        node = made.get(left.pop())
        if node is None or node.name in found:
            continue
        found.add(node.name)
        if node.op_type not in ('Conv', 'ConvTranspose', 'MaxPool'):
            left.extend(node.input)
    return found


class ConfigImages(Sequence):
    """Images of a config as its network sees them in a test: RGB in 0..255, through the test pipeline.

    Loaded when asked for, one at a time.

    Args:
        config: With the data sets and a test pipeline.
        split: ``'train'``, ``'val'`` or ``'test'``.
        count: How many; all, if there are fewer.
        size: Height and width to resize to, as the fixed size of a file; None leaves them as they are.
        seed: Of the choice.

    Raises:
        FileNotFoundError: If the data are not there.
    """

    def __init__(self, config: Config, split: str, count: int, size: Optional[Tuple[int, int]] = None, seed: int = 0):
        if count < 1:
            raise ValueError(f'expected at least 1 image, got {count}')
        node = config.get(f'{split}_dataloader')
        if not node:
            raise ValueError(f'the config names no {split} images: it has no {split}_dataloader')
        try:
            parts = [DATASETS.build(dict(leaf, pipeline=[])) for leaf in leaf_datasets(node.dataset)]
        except FileNotFoundError as error:
            raise FileNotFoundError(f'eight bits are calibrated on images of the config, and its {split} images are '
                                    f'not there: {error}. Put the data there (docs/datasets.md), name another place '
                                    f'by --cfg-options {split}_dataloader.dataset.data_root=FOLDER, or leave --int8 '
                                    'out') from error
        everything = [(part, i) for part in parts for i in range(len(part))]
        chosen = np.random.default_rng(seed).permutation(len(everything))[:count]
        self.chosen = [everything[i] for i in sorted(chosen)]
        self.size, self.pipeline = size, Compose(image_pipeline(config))

    def __len__(self) -> int:
        return len(self.chosen)

    def __getitem__(self, index: int) -> Tensor:
        part, i = self.chosen[index]
        image = self.pipeline(part.get_data_info(i))['inputs'].flip(0)[None].float()  # mmseg loads BGR
        if self.size not in (None, tuple(image.shape[2:])):
            image = F.interpolate(image, size=self.size, mode='bilinear', align_corners=False)
        return image

    def __iter__(self) -> Iterator[Tensor]:
        return (self[i] for i in range(len(self)))
