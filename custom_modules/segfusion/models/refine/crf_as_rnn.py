"""Dense CRF inference as a trainable layer that refines logits by the image."""
import warnings
from typing import Optional

import torch
from mmengine.model import BaseModule
from mmseg.registry import MODELS
from torch import Tensor, nn

from ...ops.crf.dense_crf import crf
from ...ops.crf.gaussian_filter import METHODS, NORMALIZATIONS
from ...ops.precision import full_precision

SHAPES = ('scalar', 'diagonal', 'full')


@MODELS.register_module()
class CRFAsRNN(BaseModule):
    r"""Mean-field iterations of a dense CRF with learned kernel weights and label compatibility.

    .. math::
        L^0 = U, \quad L^{t + 1} = U + C \left(W_s A_s + W_b A_b\right) softmax(L^t)      (Algorithm 1)

    where :math:`A_s` averages over pixels near in position and :math:`A_b` over pixels near in position and colour.
    Positive :math:`C W` attracts: with the Potts model :math:`C = I`. Weights of other code may have the opposite sign
    (Keras and Caffe subtract, and start at :math:`-I`); the converters take care of it.

    Paper: `Conditional Random Fields as Recurrent Neural Networks <https://arxiv.org/abs/1502.03240>`_.
    Checked against: sadeepj/crfasrnn_pytorch, crfasrnn/crfrnn.py, 24899c52; lucasb-eyer/pydensecrf (defaults).
    Differs: :math:`A` contains the pixel itself, as in all public code. Defaults are meant to be trained as they are: a
    scalar weight a kernel, Potts, pydensecrf's bandwidths and symmetric normalisation, but weights of 1 and 3, not 3
    and 10. One iteration multiplies a gradient by at most :math:`(w_s + w_b) / 2` (the softmax by 1/2, the filters by
    1), so five of them by 32; with pydensecrf's weights it is :math:`10^4`, and an untrained network does blow up.
    The paper's settings are ``normalization='after'``, ``bilateral_sigma_xy=160``, ``bilateral_sigma_rgb=3``,
    ``spatial_weight=3``, ``bilateral_weight=5``, ``weights='full'`` and ``learn_compatibility=True``.

    Args:
        num_classes (int): Channels of the logits; :class:`RefinedEncoderDecoder` passes those of its head. With 1, the
            logit is taken as that of a foreground against a background of logit 0.
        iterations (int): Mean-field iterations in training. Defaults to 5.
        test_iterations (int): Mean-field iterations in evaluation. Defaults to 10.
        spatial_sigma (float): Bandwidth of the position kernel in pixels. Defaults to 3.
        bilateral_sigma_xy (float): Bandwidth of the other kernel in pixels. Defaults to 80.
        bilateral_sigma_rgb (float): Its bandwidth in colour levels (0..255). Defaults to 13.
        spatial_weight (float): Initial weight of the position kernel. Defaults to 1.
        bilateral_weight (float): Initial weight of the other kernel. Defaults to 3.
        weights (str): 'scalar', 'diagonal' (one a class) or 'full' (a matrix over classes). Defaults to 'scalar'.
        learn_compatibility (bool): Learn :math:`C`, starting at the identity; otherwise it stays the Potts model.
            Defaults to False.
        normalization (str): 'symmetric', 'after', 'before', 'mean' or 'none', see
            :func:`segfusion.ops.crf.gaussian_filter.gaussian_filter`. Defaults to 'symmetric'.
        method (str): 'lattice', 'dense', 'half' or 'exact', likewise. Defaults to 'lattice'.
        save (str): What training keeps, 'fast' or 'lean' (half the memory, a third more backward time).
            Defaults to 'fast'.
        learn_bandwidths (bool): Learn the three bandwidths (as logarithms), by moment filtering, at about eight times
            the cost. Defaults to False.

    The first image with something in it is looked at (one wait for the device): colours in 0..1, or below 0, get a
    warning, since bandwidths are in colour levels 0..255.

    Shape:
        - logits (N, num_classes, H, W), image (N, 3, H, W) in RGB 0..255 -> logits (N, num_classes, H, W), float32
    """

    def __init__(self,
                 num_classes: int,
                 iterations: int = 5,
                 test_iterations: int = 10,
                 spatial_sigma: float = 3.,
                 bilateral_sigma_xy: float = 80.,
                 bilateral_sigma_rgb: float = 13.,
                 spatial_weight: float = 1.,
                 bilateral_weight: float = 3.,
                 weights: str = 'scalar',
                 learn_compatibility: bool = False,
                 normalization: str = 'symmetric',
                 method: str = 'lattice',
                 save: str = 'fast',
                 learn_bandwidths: bool = False,
                 init_cfg: Optional[dict] = None):
        super().__init__(init_cfg)
        for name, value, known in (('weights', weights, SHAPES), ('normalization', normalization, NORMALIZATIONS),
                                   ('method', method, tuple(METHODS)), ('save', save, ('fast', 'lean'))):
            if value not in known:
                raise ValueError(f'expected {name} in {known}, got {value!r}')
        if num_classes < 1 or iterations < 0 or test_iterations < 0:
            raise ValueError('expected num_classes >= 1 and iterations, test_iterations >= 0, '
                             f'got {num_classes}, {iterations}, {test_iterations}')
        sigmas = (float(spatial_sigma), float(bilateral_sigma_xy), float(bilateral_sigma_rgb))
        if not all(sigma > 0 for sigma in sigmas):
            raise ValueError(f'expected positive bandwidths (pixels, pixels, colour levels), got {list(sigmas)}')
        self.num_classes, self.iterations, self.test_iterations = num_classes, iterations, test_iterations
        self.weights, self.normalization, self.method, self.save = weights, normalization, method, save
        classes = max(num_classes, 2)
        shape = {'scalar': torch.ones(()), 'diagonal': torch.ones(classes), 'full': torch.eye(classes)}[weights]
        self.spatial_weight = nn.Parameter(shape * spatial_weight)
        self.bilateral_weight = nn.Parameter(shape * bilateral_weight)
        self.compatibility = nn.Parameter(torch.eye(classes)) if learn_compatibility else None
        self.sigmas = sigmas
        self.log_sigmas = nn.Parameter(torch.tensor(sigmas).log()) if learn_bandwidths else None
        self._image_seen = False

    def compatibilities(self):
        """The two matrices :math:`C W` (scalars and diagonals where they suffice)."""
        pair = (self.spatial_weight, self.bilateral_weight)
        if self.compatibility is None:
            return pair
        if self.weights == 'full':
            return tuple(self.compatibility @ weight for weight in pair)
        return tuple(self.compatibility * weight for weight in pair)  # C diag(w): scales the columns

    def forward(self, logits: Tensor, image: Tensor) -> Tensor:
        if logits.dim() != 4 or logits.shape[1] != self.num_classes:
            raise ValueError(f'expected logits of {self.num_classes} classes (N, {self.num_classes}, H, W), got '
                             f'{tuple(logits.shape)}; set num_classes of the refiner')
        if not self._image_seen and not torch.jit.is_tracing():
            self._image_seen = look_at_colours(image)
        binary = self.num_classes == 1
        if binary:
            logits = torch.cat([torch.zeros_like(logits), logits], 1)
        sigmas = self.sigmas if self.log_sigmas is None else self.log_sigmas.exp()
        with full_precision(logits.device):  # the small matrix products, too
            spatial, bilateral = self.compatibilities()
        refined = crf(
            logits,
            image,
            spatial_weight=spatial,
            bilateral_weight=bilateral,
            spatial_sigma=sigmas[0],
            bilateral_sigma_xy=sigmas[1],
            bilateral_sigma_rgb=sigmas[2],
            iterations=self.iterations if self.training else self.test_iterations,
            normalization=self.normalization,
            method=self.method,
            save=self.save)
        return refined[:, 1:] - refined[:, :1] if binary else refined

    def extra_repr(self) -> str:
        return (f'num_classes={self.num_classes}, iterations={self.iterations}, '
                f'test_iterations={self.test_iterations}, weights={self.weights!r}, sigmas={self.sigmas}, '
                f'normalization={self.normalization!r}, method={self.method!r}')


def look_at_colours(image: Tensor, who: str = 'CRFAsRNN') -> bool:
    """Warn if the colours are not levels 0..255; whether there was a colour to judge by (a black image has none)."""
    if not image.numel() or image.is_meta:
        return False
    low, high = (v.item() for v in image.detach().aminmax())
    if low < -1 or 0 < high <= 1:
        warnings.warn(f'{who} expects an image of colour levels 0..255, got values from {low:.3g} to {high:.3g}, '
                      'which it takes for black or nearly so; multiply by 255, or undo the normalisation')
    return high > 0
