"""From a trained segmentor to what runs elsewhere."""
from ..engine.inference import prepare_for_inference
from .export import Difference, ExportError, compare, export_onnx, export_program, model_metadata
from .large_image import label_in_windows
from .load import load_segmentor
from .network import ImageToLogits, example_image
from .onnx_segmentor import OnnxSegmentor
from .predict import Prediction, PredictionReport, draw_overlay, predict, predict_image

__all__ = [
    'Difference',
    'ExportError',
    'ImageToLogits',
    'OnnxSegmentor',
    'Prediction',
    'PredictionReport',
    'compare',
    'draw_overlay',
    'example_image',
    'export_onnx',
    'export_program',
    'label_in_windows',
    'load_segmentor',
    'model_metadata',
    'predict',
    'predict_image',
    'prepare_for_inference',
]
