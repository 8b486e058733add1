"""List every config in the metafile.yaml beside it, and every metafile in model-index.yml (what ``mim`` reads).

The collection of a metafile is written by hand. Metrics are those of the studies in projects/ that trained the config
as it stands; results of other models that are there already are kept.
"""
import re
from pathlib import Path

import yaml
from mmengine.config import Config

from segfusion.study.records import trained_configs

ROOT = Path(__file__).resolve().parents[1]
DATA = dict(
    ADE20KDataset='ADE20K', CamVidDataset='CamVid', CityscapesDataset='Cityscapes', PascalVOCDataset='Pascal VOC 2012',
    StreetScenes='StreetScenes', NYUv2Dataset='NYUv2', NYUv2Dataset13='NYUv2', SUNRGBDDataset='SUN RGB-D',
    CamVid32Dataset='CamVid', COCOStuffDataset='COCO-Stuff', COCOPanopticDataset='COCO',
    PascalContextDataset59='PASCAL Context')


def entry(path: Path, collection: str, known: dict, trained: dict) -> dict:
    """The metafile entry of one config."""
    config = Config.fromfile(path)
    dataset = config.test_dataloader.dataset.type
    gpus, batch = map(int, re.search(r'_(\d+)xb(\d+)-', path.stem).groups())
    backbone = config.model.backbone
    while 'backbone' in backbone:  # the wrapped one is the architecture
        backbone = backbone.backbone
    trunk = backbone.get('backbone_cfg', backbone)  # mmseg's word for a trunk inside a backbone
    size = next((trunk[key] for key in ('depth', 'stdc_type', 'arch', 'model_name') if key in trunk), '')
    model, score = dict(known), trained.get(path.stem)
    results = known.get('Results', {'Task': 'Semantic Segmentation', 'Dataset': DATA.get(dataset, dataset)})
    if score:
        results['Metrics'] = {'mIoU': round(score.mean, 2)}
    model.update({
        'Name': path.stem,
        'In Collection': collection,
        'Results': results,
        'Config': str(path.relative_to(ROOT)),
        'Metadata': {
            'Training Data': DATA.get(dataset, dataset),
            'Batch Size': gpus * batch,
            'Architecture': [f'{backbone.type}{f"-{size}" if size else ""}', collection],
            'Training Resources': f'{gpus}x GPU',
        },
    })
    return model


def main() -> None:
    metafiles, trained = sorted(ROOT.glob('configs/*/metafile.yaml')), trained_configs(ROOT / 'projects')
    for metafile in metafiles:
        content = yaml.safe_load(metafile.read_text())
        known = {model['Name']: model for model in content.get('Models') or []}
        collection = content['Collections'][0]['Name']
        content['Models'] = [
            entry(path, collection, known.get(path.stem, {}), trained) for path in sorted(metafile.parent.glob('*.py'))
        ]
        metafile.write_text(yaml.safe_dump(content, sort_keys=False, width=120))
    index = {'Import': [str(path.relative_to(ROOT)) for path in metafiles]}
    (ROOT / 'model-index.yml').write_text(yaml.safe_dump(index))
    print(f'{len(metafiles)} metafiles')


if __name__ == '__main__':
    main()
