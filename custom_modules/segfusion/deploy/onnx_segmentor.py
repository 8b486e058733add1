"""An exported network in the place of a segmentor."""
import json
import os
from typing import Optional

import torch
import torch.nn.functional as F
from mmengine.config import Config
from mmseg.models.segmentors import EncoderDecoder
from torch import Tensor, nn

from .export import INPUT, OUTPUT, session


class OnnxSegmentor(EncoderDecoder):
    """mmseg's segmentor whose network is an ONNX file of :func:`~.export.export_onnx`.

    Pipelines, sliding windows, resizing to the original image and ``mmseg.apis.inference_model`` are mmseg's; only the
    network runs in ONNX Runtime. A file with a fixed size gets the image resized to it, and its logits resized back.

    Args:
        path (str): The file.
        device (str): ``'cpu'`` or ``'cuda'``, which needs onnxruntime-gpu. Defaults to ``'cpu'``.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If the file cannot be loaded, or was not written by ``export_onnx``.
    """

    def __init__(self, path: str, device: str = 'cpu'):
        preprocessor = dict(type='SegDataPreProcessor', mean=None, std=None, bgr_to_rgb=True)
        super(EncoderDecoder, self).__init__(data_preprocessor=preprocessor)  # there is nothing else to build
        if not os.path.isfile(path):
            raise FileNotFoundError(f'there is no file {path}')
        try:
            self.session = session(path, device)
        except ImportError:
            raise
        except Exception as error:  # ONNX Runtime's own errors have no common class
            raise ValueError(f'{path} is not an ONNX model that ONNX Runtime can load: {error}') from error
        meta = self.session.get_modelmeta().custom_metadata_map
        if 'test_pipeline' not in meta:
            raise ValueError(f'{path} does not say how its images are prepared: expected an ONNX file written by '
                             'tools/export_onnx.py')
        self.align_corners = json.loads(meta['align_corners'])
        self.test_cfg = Config(json.loads(meta['test_cfg']))
        self.dataset_meta = dict(classes=json.loads(meta['classes']), palette=json.loads(meta['palette']))
        self.cfg = Config(dict(test_pipeline=[_with_tuples(t) for t in json.loads(meta['test_pipeline'])]))
        shape = self.session.get_inputs()[0].shape
        self.size: Optional[tuple] = tuple(shape[2:]) if all(isinstance(n, int) for n in shape[2:]) else None
        self.batch = shape[0] if isinstance(shape[0], int) else None
        self.decode_head = nn.Identity()  # mmseg asks the head where a network of one output begins to say foreground
        self.decode_head.threshold = json.loads(meta.get('threshold', 'null'))
        self.out_channels = self.num_classes = json.loads(meta['num_classes'])
        self.eval()

    def encode_decode(self, inputs: Tensor, batch_img_metas) -> Tensor:
        """Logits of the size of ``inputs``."""
        image = inputs.float().cpu()
        size = image.shape[2:]
        if self.size not in (None, tuple(size)):
            image = F.interpolate(image, size=self.size, mode='bilinear', align_corners=False)
        chunks = image.split(self.batch or len(image))
        logits = torch.cat([torch.from_numpy(self.session.run([OUTPUT], {INPUT: c.numpy()})[0]) for c in chunks])
        if logits.shape[2:] != size:
            logits = F.interpolate(logits, size=size, mode='bilinear', align_corners=self.align_corners)
        return logits.to(inputs.device)

    def _forward(self, inputs: Tensor, data_samples=None) -> Tensor:
        return self.encode_decode(inputs, None)


def _with_tuples(step: dict) -> dict:
    """JSON has no tuples, and transforms tell (width, height) from a list of scales by them."""
    return {k: tuple(v) if isinstance(v, list) and all(isinstance(i, (int, float)) for i in v) else v
            for k, v in step.items()}
