import json
import math

import numpy as np
import pytest
import torch
from mmseg.registry import MODELS
from PIL import Image

from segfusion.study.configs import merged_configs
from segfusion.study.padding import main, means, pad_settings
from segfusion.study.plan import load_study
from segfusion.study.state import Folder, State

from .test_short_run import ENET

STUDY = """
base = {base!r}
axes = dict(network=dict(plain=None, slow={{'optim_wrapper.optimizer.lr': 1e-5}}))
seeds = [0, 1]
overrides = {overrides!r}
"""


@pytest.fixture
def study(camvid):
    overrides = {}
    for split in ('val', 'test'):
        overrides.update({f'{split}_dataloader.dataset.data_root': str(camvid),
                          f'{split}_dataloader.num_workers': 0, f'{split}_dataloader.persistent_workers': False})
    (camvid / 'study.py').write_text(STUDY.format(base=str(ENET), overrides=overrides))
    return load_study(camvid)


def miou(config, weights, images, labels, size):
    """By hand: pad, cut the logits, count."""
    model = MODELS.build(config.model).eval()
    model.load_state_dict(weights)
    counts = np.zeros((12, 11))
    for image, label in zip(images, labels):
        x = torch.from_numpy(image).permute(2, 0, 1)[None].float()
        mean, std = (torch.tensor(config.model.data_preprocessor[key]).view(3, 1, 1) for key in ('mean', 'std'))
        x = torch.nn.functional.pad((x - mean) / std, (0, size[1] - 60, 0, size[0] - 45))
        with torch.no_grad():
            found = model.encode_decode(x, [dict(img_shape=size)])[0, :, :45, :60].argmax(0).numpy()
        np.add.at(counts, (label.ravel(), found.ravel()), 1)
    counts = counts[:11]  # the last is void
    both = counts.diagonal()
    return 100 * np.nanmean(both / (counts.sum(0) + counts.sum(1) - both))


def test_scores_are_those_of_padded_images(study, camvid, tmp_path):
    out, config = tmp_path / 'out', merged_configs(study)['plain_seed1']
    torch.manual_seed(0)
    model = MODELS.build(config.model)
    folder = Folder(out, 'plain_seed1')
    folder.train.mkdir(parents=True)
    torch.save(dict(state_dict=model.state_dict(), meta={}), folder.train / 'iter_1.pth')
    folder.write(State(trained=True))
    for _ in range(2):  # the second time, nothing is counted twice
        assert main([str(camvid), '1', '32', '51x70', '--split', 'val', 'test', '--out', str(out)]) == 0
    tables = json.loads((camvid / 'padding.json').read_text())['tables']
    for split in ('val', 'test'):
        images, labels = ([np.array(Image.open(p)) for p in sorted((camvid / name).iterdir())]
                          for name in (split, f'{split}annot'))
        wanted = [miou(config, model.state_dict(), images, labels, size) for size in ((45, 60), (64, 64), (51, 70))]
        row, = tables[f'{split}-members']['rows']
        assert row == ['plain', 1, *(pytest.approx(w, abs=0.006) for w in wanted)]
        assert len({round(w, 2) for w in wanted}) == 3
        assert tables[split]['columns'] == ['network', 'n', 'not padded', 'to 32', 'to 51x70']
        assert tables[split]['rows'] == [['plain', 1, *(f'{w:.2f}' for w in row[2:])]]


def test_seeds_are_pooled():
    assert means([['a', 0, 1., 5.], ['b', 0, 2., 2.], ['a', 2, 3., 5.]]) == [
        ['a', 2, f'2.00 ± {math.sqrt(2):.2f}', '5.00 ± 0.00'], ['b', 1, '2.00', '2.00']]


def test_a_way_is_a_multiple_or_a_size(study, camvid, tmp_path):
    assert pad_settings('384x480') == dict(size=(384, 480))
    with pytest.raises(ValueError, match="multiple such as 32 or a size such as 384x480.*got '0'"):
        main([str(camvid), '0'])
    with pytest.raises(ValueError, match="no member of study.py named 'sl.*' is trained in .*tools/study.py"):
        main([str(camvid), '32', '--only', 'sl*', '--out', str(tmp_path / 'none')])
