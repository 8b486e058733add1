"""From a trained segmentor to what runs elsewhere."""
from ..engine.inference import prepare_for_inference
from .export import Difference, ExportError, compare, export_onnx, export_program, model_metadata
from .large_image import label_in_windows
from .load import load_segmentor, prepare_if_equal
from .network import ImageToLogits, example_image
from .onnx_segmentor import OnnxSegmentor
from .predict import Prediction, PredictionReport, draw_overlay, predict, predict_image
from .quantize import Agreement, ConfigImages, export_int8
from .shipped import find_shipped, list_shipped

__all__ = [
    'Agreement',
    'ConfigImages',
    'Difference',
    'ExportError',
    'ImageToLogits',
    'OnnxSegmentor',
    'Prediction',
    'PredictionReport',
    'compare',
    'draw_overlay',
    'example_image',
    'export_int8',
    'export_onnx',
    'export_program',
    'find_shipped',
    'label_in_windows',
    'list_shipped',
    'load_segmentor',
    'model_metadata',
    'predict',
    'predict_image',
    'prepare_for_inference',
    'prepare_if_equal',
]
