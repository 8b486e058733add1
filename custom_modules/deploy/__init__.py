"""From a trained segmentor to what runs elsewhere."""
from .export import Difference, ExportError, compare, describe, export_onnx, export_program
from .inference import SplitBottleneck, prepare_for_inference
from .load import load_segmentor
from .network import ImageToLogits, example_image
from .onnx_segmentor import OnnxSegmentor

__all__ = [
    'Difference',
    'ExportError',
    'ImageToLogits',
    'OnnxSegmentor',
    'SplitBottleneck',
    'compare',
    'describe',
    'example_image',
    'export_onnx',
    'export_program',
    'load_segmentor',
    'prepare_for_inference',
]
