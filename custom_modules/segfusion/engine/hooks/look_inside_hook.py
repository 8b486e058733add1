"""Drawings of what a network decides, while it trains."""
from pathlib import Path
from typing import Optional, Sequence

import numpy as np
from mmengine.dist import master_only
from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper
from mmengine.visualization import LocalVisBackend
from mmseg.registry import HOOKS

from ...visualization import check_indices, draw_panel, inspect
from ...visualization.panel import SHOW


@HOOKS.register_module()
class LookInsideHook(Hook):
    """Draw a few fixed validation images after validations: prediction, errors, offsets, gates, what a refiner changed.

    The drawings go to the runner's visualizer, and by it to TensorBoard, WandB or whichever back ends the config names;
    as PNG they are in ``vis_data/vis_image`` of the run, or ``look_inside`` if it has no local back end. A run has a
    folder of its own, so nothing is overwritten. Costs one more forward an image and drawing; between validations,
    nothing.

    Args:
        indices (Sequence[int]): Which images of the validation set. Defaults to (0, ).
        interval (int): Draw after every k-th validation. Defaults to 1.
        show (Sequence[str], optional): Which drawings, of :data:`segfusion.visualization.panel.SHOW`. Defaults
             to all for which there is something to draw.
        band (int): Width of the band of boundary errors on either side, in pixels. Defaults to 5.

    Raises:
        ValueError: If an argument is out of range, or an index beyond the validation set.
    """

    priority = 'LOW'

    def __init__(self,
                 indices: Sequence[int] = (0, ),
                 interval: int = 1,
                 show: Optional[Sequence[str]] = None,
                 band: int = 5):
        if interval < 1 or not indices or min(indices) < 0:
            raise ValueError(f'expected indices from 0 and interval >= 1, got {tuple(indices)} and {interval}')
        if show is not None and not set(show) <= set(SHOW):
            raise ValueError(f'cannot show {sorted(set(show) - set(SHOW))}: expected some of {SHOW}')
        self.indices, self.interval, self.show, self.band = tuple(indices), interval, show, band
        self._validations = 0

    def before_train(self, runner) -> None:
        if runner.val_loop is not None:  # now, not after the first thousand iterations
            check_indices(self.indices, len(runner.val_dataloader.dataset))

    @master_only
    def after_val_epoch(self, runner, metrics=None) -> None:
        self._validations += 1
        if self._validations % self.interval:
            return
        dataset = runner.val_dataloader.dataset
        check_indices(self.indices, len(dataset))
        model = runner.model.module if is_model_wrapper(runner.model) else runner.model
        training = model.training
        model.eval()
        meta = dataset.metainfo
        for index in self.indices:
            panel = draw_panel(
                *inspect(model, dataset[index]), meta['palette'], meta['classes'], show=self.show, band=self.band)
            name = f'look_inside_{index:04d}'
            runner.visualizer.add_image(name, np.array(panel), step=runner.iter)
            # private to mmengine: whether the visualizer keeps the panel by itself
            if not any(isinstance(b, LocalVisBackend) for b in runner.visualizer._vis_backends.values()):
                folder = Path(runner.log_dir) / 'look_inside'
                folder.mkdir(parents=True, exist_ok=True)
                panel.save(folder / f'{name}_{runner.iter}.png')
        model.train(training)
