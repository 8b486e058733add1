"""Trained networks that travel inside the package: ``weights/NAME.json`` says all about ``weights/NAME-<sha>.pth``."""
import hashlib
import io
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Dict, List, Optional, Union

import torch

from ..datasets.files import write_whole
from ..diagnosis.loading import shipped
from ..engine.checkpoints import read_checkpoint

FOLDER = Path(__file__).resolve().parents[1] / 'weights'
LARGEST = torch.finfo(torch.float16).max


@dataclass(frozen=True)
class ShippedWeights:
    """``scores`` are what ``mim test`` says of the file with ``config``; ``limits`` what it is not good for."""
    name: str
    file: str
    sha256: str
    config: str  # path as in a checkout, e.g. configs/sfnet/....py
    recipe: str
    seed: int
    limits: str
    scores: Dict[str, float]

    @property
    def checkpoint(self) -> Path:
        return FOLDER / self.file

    @property
    def config_file(self) -> Path:
        """Of the checkout or of the wheel."""
        return shipped(self.config)

    def __str__(self) -> str:
        scores = ', '.join(f'{name} {value:.2f}' for name, value in self.scores.items())
        return f'{self.name} ({self.recipe}; {scores}). {self.limits}'


def list_shipped() -> List[ShippedWeights]:
    """All of them, by name; where nothing is said, the first is taken."""
    return [ShippedWeights(**json.loads(path.read_text())) for path in sorted(FOLDER.glob('*.json'))]


def find_shipped(*names: str) -> ShippedWeights:
    """The first weights with one of these names, their own or their config's; the first of all if none is given.

    Raises:
        ValueError: If there are none.
    """
    found = list_shipped()
    for weights in found:
        if not names or {weights.name, Path(weights.config).stem} & {*names}:
            return weights
    known = ', '.join(f'{w.name} ({Path(w.config).stem})' for w in found) or 'none'
    raise ValueError(f'no weights of {names[0] if names else "any network"} are shipped, there are: {known}; give the '
                     'path of a checkpoint')


def publish(checkpoint: Union[str, Path], folder: Union[str, Path], *, name: str, config: str, recipe: str, seed: int,
            limits: str, scores: Optional[Dict[str, float]] = None) -> ShippedWeights:
    """Write what a network needs to predict, small: no optimiser, no auxiliary heads, convolutions in float16.

    Vectors (norms, biases) stay float32, and loading makes all float32 again. The file's name ends in the first eight
    digits of its SHA-256, as mmengine's do.

    Args:
        checkpoint: Of a training.
        folder: Where to write ``name.json`` and the file; :data:`FOLDER` ships them.
        name, config, recipe, seed, limits, scores: See :class:`ShippedWeights`.

    Raises:
        FileExistsError: If ``name`` is there already with other weights.
        ValueError: If a weight does not fit float16.
    """
    loaded = read_checkpoint(str(checkpoint))
    state = {key: _small(key, value) for key, value in loaded.get('state_dict', loaded).items()
             if not key.startswith('auxiliary_head.')}
    classes = loaded.get('meta', {}).get('dataset_meta') or {}
    meta, data = dict(dataset_meta=dict(classes), config=config, recipe=recipe, seed=seed), io.BytesIO()
    torch.save(dict(meta=meta, state_dict=state), data)
    digest = hashlib.sha256(data.getbuffer()).hexdigest()
    weights = ShippedWeights(name, f'{name}-{digest[:8]}.pth', digest, config, recipe, seed, limits, scores or {})
    about = Path(folder) / f'{name}.json'
    if about.exists() and json.loads(about.read_text())['sha256'] != digest:
        raise FileExistsError(f'{about} is there with other weights; remove it and its file, or choose another name')
    about.parent.mkdir(parents=True, exist_ok=True)
    write_whole(about.parent / weights.file, data.getbuffer())
    write_whole(about, json.dumps(asdict(weights), indent=1) + '\n')
    return weights


def _small(key: str, value: torch.Tensor) -> torch.Tensor:
    if value.dim() < 2 or not value.is_floating_point():
        return value
    if value.abs().max() > LARGEST:
        raise ValueError(f'{key} holds {value.abs().max():.3g}, float16 ends at {LARGEST:.0f}; keep this network in '
                         'float32')
    return value.half()
