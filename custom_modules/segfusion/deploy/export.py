"""Networks as ONNX files, checked against PyTorch before anybody relies on them."""
import copy
import io
import json
import os
import warnings
from dataclasses import dataclass
from typing import Dict, Optional, Tuple

import torch
from mmengine.config import Config
from torch import Tensor, nn

from ..datasets.files import write_whole
from ..portable import portable_operations
from ..version import __version__
from .load import image_pipeline
from .network import ImageToLogits, classes_of, decision_threshold, example_image, resting_on_cpu

INPUT, OUTPUT = 'image', 'logits'


class ExportError(RuntimeError):
    """The exported file does not compute what the network does."""


@dataclass
class Difference:
    """ONNX Runtime against PyTorch on one image; differences in units of the logits' standard deviation."""
    size: Tuple[int, int]
    largest: float
    mean: float
    beyond: float  # share of the logits that differ by more than the tolerance
    labels: float  # share of the pixels whose class differs

    def __str__(self) -> str:
        return (f'{self.size[0]}x{self.size[1]}: largest difference {self.largest:.1e} of the standard deviation of '
                f'the logits (mean {self.mean:.1e}), {self.labels:.3%} of the pixels get another class')


def export_onnx(model: nn.Module,
                path: str,
                size: Tuple[int, int],
                *,
                dynamic: bool = False,
                warp: str = 'grid_sample',
                exporter: str = 'auto',
                opset: Optional[int] = None,
                tolerance: float = 1e-4,
                allowed: float = 0.,
                overwrite: bool = False) -> Tuple[Difference, ...]:
    """Write a segmentor as one ONNX file: RGB image in colour levels 0..255 in, logits of the image's size out.

    Normalisation, padding to the config's ``size_divisor`` and the last resize are inside. Not inside are a refiner
    (CRF), sliding windows and test-time augmentation. Class names, palette, normalisation, test pipeline and the name
    of the config travel in the file's ``metadata_props``.

    Nothing is left at ``path`` unless ONNX Runtime gives PyTorch's numbers, at ``size`` and, if ``dynamic``, at another
    size too.

    Args:
        model: Segmentor from :func:`~.load.load_segmentor`.
        path: Of the file.
        size: Height and width of the input; with ``dynamic`` of the example.
        dynamic: Whether the file takes any batch, height and width. Defaults to False: batch 1 and ``size``. The batch
            stays 1 where norms use the statistics of the batch (FC-DenseNet).
        warp: ``'grid_sample'`` (ONNX ``GridSample``, opset >= 16), or ``'gather'`` for runtimes without it: look-ups
            and sums with the same numbers.
        exporter: ``'torchscript'``, ``'dynamo'``, or ``'auto'``: the first as long as torch has it. It is there from
            torch 2.0 on, needs no more than ``onnx``, and takes a tenth of the time; ``'dynamo'`` needs torch >= 2.6
            and onnxscript.
        opset: Defaults to 17 (18 for dynamo).
        tolerance: Largest accepted difference, in units of the logits' standard deviation. Defaults to 1e-4.
        allowed: Share of logits that may differ by more. Networks with pooling indices (SegNet, ENet) are not
            continuous: where two pixels of a cell are equal up to rounding, either may win. Defaults to 0.
        overwrite: Whether to replace an existing file. Defaults to False.

    Returns:
        What was measured, for each size.

    Raises:
        FileExistsError: If ``path`` exists.
        ExportError: If the numbers differ, or torch cannot write this ``opset``.
        ImportError: If ``onnx`` or ``onnxruntime`` is missing.
    """
    if os.path.exists(path) and not overwrite:
        raise FileExistsError(f'{path} exists; choose another name or pass --overwrite')
    if warp not in ('grid_sample', 'gather'):
        raise ValueError(f"warp must be 'grid_sample' or 'gather', got {warp!r}")
    require('onnx', 'onnxruntime')
    with resting_on_cpu(ImageToLogits(model)) as network:
        try:
            data = _to_bytes(network, example_image(size), dynamic, warp, _exporter(exporter), opset)
        except (RuntimeError, ValueError) as error:  # torch's own, of several classes
            if opset is None:
                raise
            raise ExportError(f'torch {torch.__version__} writes no file of opset {opset}: {_first_line(error)}. Leave '
                              'opset out; GridSample needs 16, warp=gather 13') from error
        data = _with_metadata(data, dict(model_metadata(model), warp=warp, dynamic=json.dumps(dynamic)))
        sizes = [tuple(size)] + ([_other(size, network.divisor)] if dynamic else [])
        report = tuple(compare(data, network, example_image(s), tolerance) for s in sizes)
    wrong = [d for d in report if not d.beyond <= allowed]
    if wrong:
        raise ExportError(
            f'ONNX Runtime does not give the numbers of PyTorch, nothing was written. {wrong[0]}; '
            f'{wrong[0].beyond:.3%} of the logits are beyond the tolerance {tolerance:.0e}. If it is a few pixels of a '
            'network with pooling indices (SegNet, ENet), cells with equal values are the reason: allow their share '
            '(--allowed 0.01). '
            'Otherwise try the other exporter, or warp=gather')
    os.makedirs(os.path.dirname(os.path.abspath(path)), exist_ok=True)
    write_whole(path, data)
    return report


def export_program(model: nn.Module, size: Tuple[int, int], dynamic: bool = False) -> 'torch.export.ExportedProgram':
    """The same function as a ``torch.export`` program, for AOTInductor, ExecuTorch and others (torch >= 2.6)."""
    free = torch.export.Dim.DYNAMIC
    shapes = ({2: free, 3: free}, ) if dynamic else None
    # A copy: the program keeps the very tensors it was made from, which the caller may move or train on.
    network = ImageToLogits(copy.deepcopy(model)).cpu().eval()
    with torch.no_grad(), portable_operations():
        return torch.export.export(network, (example_image(size), ), dynamic_shapes=shapes, strict=False)


def compare(data: bytes, network: nn.Module, image: Tensor, tolerance: float = 1e-4) -> Difference:
    """Run an ONNX model and the network it came from on one image."""
    with torch.no_grad():
        expected = network(image)
    got = torch.from_numpy(session(data).run([OUTPUT], {INPUT: image.numpy()})[0])
    if got.shape != expected.shape:
        raise ExportError(f'ONNX Runtime gives logits {tuple(got.shape)}, PyTorch {tuple(expected.shape)}')
    threshold = decision_threshold(network.model)
    error = (got - expected).abs() / expected.std().clamp(min=1e-12)
    error = error.nan_to_num(nan=float('inf'))
    return Difference(
        tuple(image.shape[2:]), error.max().item(), error.mean().item(), (error > tolerance).float().mean().item(),
        (classes_of(got, threshold) != classes_of(expected, threshold)).float().mean().item())


def session(model, device: str = 'cpu', spinning: bool = False):
    """An ONNX Runtime session of a file or of bytes, quiet.

    Args:
        model: Path or bytes.
        device: ``'cpu'`` or ``'cuda'``.
        spinning: Whether threads that wait keep their core. Defaults to False.
    """
    require('onnxruntime')
    import onnxruntime
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.intra_op_num_threads = torch.get_num_threads()
    options.add_session_config_entry('session.intra_op.allow_spinning', str(int(spinning)))
    providers = ['CPUExecutionProvider']
    if device.startswith('cuda'):
        providers.insert(0, 'CUDAExecutionProvider')
    return onnxruntime.InferenceSession(model, options, providers=providers)


def model_metadata(model: nn.Module) -> Dict[str, str]:
    """What a user of the file has to know, as strings (JSON but for names)."""
    network = ImageToLogits(model)
    config = getattr(model, 'cfg', None) or Config()
    meta = getattr(model, 'dataset_meta', None) or {}
    test_cfg = dict(model.test_cfg or dict(mode='whole'))
    plain = dict(
        classes=list(meta.get('classes') or []),
        palette=[list(map(int, c)) for c in meta.get('palette') or []],
        mean=network.mean.flatten().tolist(),
        std=network.std.flatten().tolist(),
        num_classes=model.out_channels,
        threshold=decision_threshold(model),
        size_divisor=network.divisor,
        align_corners=bool(model.align_corners),
        test_cfg={k: test_cfg[k] for k in ('mode', 'crop_size', 'stride') if k in test_cfg},
        test_pipeline=image_pipeline(config))
    described = {key: json.dumps(value) for key, value in plain.items()}
    described['network_order'] = 'BGR' if network.swap else 'RGB'
    described['config'] = os.path.basename(config.filename) if getattr(config, 'filename', None) else ''
    described['input'] = f'{INPUT}: (N, 3, H, W) float32, RGB, 0..255; normalisation is inside'
    described['output'] = f'{OUTPUT}: (N, classes, H, W) float32, before softmax'
    described['producer'] = f'segfusion {__version__}, torch {torch.__version__}'
    if hasattr(model, 'refiner'):
        described['left_out'] = 'refiner'
    return described


def require(*modules: str) -> None:
    """Raise with the remedy if an optional dependency is missing."""
    for name in modules:
        try:
            __import__(name)
        except ImportError as error:
            raise ImportError(f'{name} is needed for this: pip install "segfusion[onnx]" (or pip install {name})'
                              ) from error


def _exporter(name: str) -> str:
    if name not in ('auto', 'torchscript', 'dynamo'):
        raise ValueError(f"exporter must be 'auto', 'torchscript' or 'dynamo', got {name!r}")
    return ('torchscript' if _has_torchscript() else 'dynamo') if name == 'auto' else name


def _has_torchscript() -> bool:
    try:
        from torch.onnx import symbolic_helper  # noqa: F401
    except ImportError:
        return False
    return True


def _has_dynamo() -> bool:
    import inspect
    return 'dynamic_shapes' in inspect.signature(torch.onnx.export).parameters


def old_exporter() -> dict:
    """The argument of ``torch.onnx.export`` that chooses TorchScript, where there is a choice."""
    return dict(dynamo=False) if _has_dynamo() else {}


def _to_bytes(network: nn.Module, image: Tensor, dynamic: bool, warp: str, exporter: str,
              opset: Optional[int]) -> bytes:
    names = dict(input_names=[INPUT], output_names=[OUTPUT])
    axes = {2: 'height', 3: 'width'} if _uses_batch_statistics(network) else {0: 'batch', 2: 'height', 3: 'width'}
    plain = portable_operations(grid_sample=warp == 'grid_sample')
    with torch.no_grad(), plain, warnings.catch_warnings():
        warnings.simplefilter('ignore')  # of sizes that become constants: that is what compare() is for
        if exporter == 'dynamo':
            require('onnxscript')
            if not _has_dynamo():
                raise ValueError(f"exporter='dynamo' needs torch >= 2.6, got {torch.__version__}; use 'torchscript'")
            free = torch.export.Dim.DYNAMIC
            shapes = (dict.fromkeys(axes, free), ) if dynamic else None
            # An example of one image would make the batch a constant.
            example = image.repeat(2, 1, 1, 1) if dynamic and 0 in axes else image
            program = torch.onnx.export(
                network, (example, ), dynamo=True, opset_version=opset or 18, dynamic_shapes=shapes, verbose=False,
                **names)
            return program.model_proto.SerializeToString()
        buffer = io.BytesIO()
        torch.onnx.export(
            network, (image, ), buffer, opset_version=opset or 17,
            dynamic_axes={INPUT: axes, OUTPUT: axes} if dynamic else None, **old_exporter(), **names)
    return buffer.getvalue()


def _first_line(error: Exception) -> str:
    return next(iter(str(error).strip().splitlines()), type(error).__name__).rstrip('.')


def _uses_batch_statistics(network: nn.Module) -> bool:
    norms = (m for m in network.modules() if isinstance(m, nn.modules.batchnorm._BatchNorm))
    return any(norm.running_mean is None for norm in norms)


def _with_metadata(data: bytes, properties: Dict[str, str]) -> bytes:
    import onnx
    model = onnx.load_from_string(data)
    channels = model.graph.output[0].type.tensor_type.shape.dim[1]
    channels.dim_value = json.loads(properties['num_classes'])  # a dynamic file has a made-up name there
    for key, value in properties.items():
        entry = model.metadata_props.add()
        entry.key, entry.value = key, value
    model.producer_name, model.producer_version = 'segfusion', __version__
    return model.SerializeToString()


def _other(size: Tuple[int, int], divisor: int) -> Tuple[int, int]:
    """Another size to try a dynamic file at: odd if the example is even, and still another one when padded."""
    return size[0] + 16 + divisor, size[1] + 29 + 2 * divisor
