"""Keep dropout on at test time and average: Bayesian SegNet's inference, for any network with dropout."""
import math
from contextlib import contextmanager

import torch
import torch.nn.functional as F
from mmseg.models.segmentors import EncoderDecoder
from mmseg.registry import MODELS
from torch import Tensor
from torch.nn.modules.dropout import _DropoutNd


@MODELS.register_module()
class MonteCarloEncoderDecoder(EncoderDecoder):
    r"""Sample the network's dropout at test time and average the class probabilities.

    .. math:: p = \frac{1}{T} \sum_t softmax(f(image, mask_t)), \quad logits = \log p

    so that ``softmax(logits)`` is the sampled posterior mean and its arg max the prediction. With one channel, it is
    ``sigmoid(logits)``.

    Paper: `Bayesian SegNet <https://arxiv.org/abs/1511.02680>`_, Sec. 3.
    Checked against: alexgkendall/SegNet-Tutorial, Models/bayesian_segnet_inference.prototxt, 46c0dfa0 (which repeats
    the image along the batch; here the passes run one after the other, so memory does not grow).
    Differs: nothing known.

    Args:
        samples (int): Number T of forward passes. Defaults to 50.
        **kwargs: Of :class:`mmseg.models.segmentors.EncoderDecoder`.

    Raises:
        ValueError: If ``samples`` is below 1, or the network has no active dropout: every sample would be equal.
    """

    def __init__(self, samples: int = 50, **kwargs):
        super().__init__(**kwargs)
        if samples < 1:
            raise ValueError(f'samples must be at least 1, got {samples}')
        self.samples = samples
        if not any(m.p > 0 for m in self._dropouts()):
            raise ValueError('Monte Carlo sampling needs dropout: give the backbone or the decode_head a dropout '
                             'ratio above 0, or use EncoderDecoder')

    def _dropouts(self):
        return [m for part in (self.backbone, self.decode_head) for m in part.modules() if isinstance(m, _DropoutNd)]

    @contextmanager
    def _sampling(self):
        modes = [(m, m.training) for m in self._dropouts()]
        try:
            for module, _ in modes:
                module.training = True
            yield
        finally:
            for module, mode in modes:
                module.training = mode

    def encode_decode(self, inputs: Tensor, batch_img_metas) -> Tensor:
        """Logits whose softmax is the mean over the samples."""
        total = None
        with self._sampling():
            for _ in range(self.samples):
                # Summed as logarithms: a probability below 1e-38 would become 0, and its logarithm -inf.
                one = F.log_softmax(_two_classes(super().encode_decode(inputs, batch_img_metas)), 1)
                total = one if total is None else torch.logaddexp(total, one)
        return total[:, 1:] - total[:, :1] if self.out_channels == 1 else total - math.log(self.samples)


def _two_classes(logits: Tensor) -> Tensor:
    """In single precision at least; one channel is the logit of a foreground against a background of logit 0."""
    logits = logits.to(torch.promote_types(logits.dtype, torch.float32))
    return torch.cat([torch.zeros_like(logits), logits], 1) if logits.shape[1] == 1 else logits
