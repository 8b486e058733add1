"""Tiny data sets in the formats in which the large ones are published."""
import io
import json
import tarfile
import zipfile
from pathlib import Path

import cv2
import numpy as np
import pytest
from mmseg.datasets import PascalContextDataset59

from segfusion.datasets.camvid import COLOURS32

RNG_SHAPE = (24, 35)
H, W = RNG_SHAPE
BASES = Path(__file__).parents[2] / 'configs' / '_base_' / 'datasets'
CONFIGS = {
    'nyuv2': [BASES / 'nyuv2-40.py', BASES / 'nyuv2-13.py'],
    'sunrgbd': [BASES / 'sunrgbd.py'],
    'camvid': [BASES / 'camvid_720x960.py', BASES / 'camvid32_720x960.py'],
    'coco-stuff10k': [BASES / 'coco-stuff10k.py'],
    'coco-stuff164k': [BASES / 'coco-stuff164k.py'],
    'coco-panoptic': [BASES / 'coco-panoptic.py'],
    'pascal-context': [BASES / 'pascal-context59.py'],
}


def encode(rgb, suffix='.png'):
    return cv2.imencode(suffix, rgb[..., ::-1] if rgb.ndim == 3 else rgb)[1].tobytes()


def picture(rng):
    return rng.integers(0, 256, (H, W, 3), dtype=np.uint8)


def matlab(**variables):
    scipy_io = pytest.importorskip('scipy.io')
    file = io.BytesIO()
    scipy_io.savemat(file, variables)
    return file.getvalue()


def cells(items):
    """A MATLAB cell array, one row."""
    row = np.empty((1, len(items)), object)
    row[0] = items
    return row


def archive(path, members):
    if path.suffix == '.zip':
        with zipfile.ZipFile(path, 'w', zipfile.ZIP_DEFLATED) as file:
            for name, data in members.items():
                file.writestr(name, data)
        return
    with tarfile.open(path, 'w:gz' if path.name.endswith('gz') else 'w') as file:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            file.addfile(info, io.BytesIO(data))


def make_nyuv2(folder, highest=894):
    """Three frames; the arrays are transposed, as MATLAB's column-major files come out of HDF5."""
    h5py = pytest.importorskip('h5py')
    folder.mkdir()
    rng = np.random.default_rng(0)
    images = np.stack([picture(rng) for _ in range(3)])
    labels = rng.integers(0, 895, (3, H, W)).astype(np.uint16)
    labels[:, 0, 0], labels[:, 0, 1] = highest, 0
    to_40, to_13 = rng.integers(0, 41, 894), rng.integers(1, 14, 40)
    with h5py.File(folder / 'nyu_depth_v2_labeled.mat', 'w') as file:
        file['images'] = images.transpose(0, 3, 2, 1)  # (N, 3, W, H)
        file['labels'] = labels.transpose(0, 2, 1)
        file['depths'] = np.zeros((3, W, H), np.float32)
    mapping = np.array([[(to_13[None].astype(np.uint8), cells(['Bed', 'Books']))]],
                       dtype=[('labels13', object), ('className', object)])
    (folder / 'classMapping40.mat').write_bytes(matlab(mapClass=to_40[None].astype(np.uint8)))
    (folder / 'class13Mapping.mat').write_bytes(matlab(classMapping13=mapping))
    (folder / 'splits.mat').write_bytes(matlab(trainNdxs=np.array([[1], [3]], np.uint16),
                                               testNdxs=np.array([[2]], np.uint16)))
    return dict(images=images, labels=labels, to_40=to_40, to_13=to_13)


def make_sunrgbd(folder):
    """Three scenes in two archives; labels are references in an HDF5 file, in the order of the meta file."""
    h5py = pytest.importorskip('h5py')
    folder.mkdir()
    rng = np.random.default_rng(1)
    scenes = [('train', 'kv2/kinect2data/000002_2014'), ('test', 'kv1/NYUdata/NYU0001'), ('train', 'xtion/sun3d/a/b')]
    truth, members, entries = [], {}, []
    seg = io.BytesIO()
    with h5py.File(seg, 'w') as file:
        references = file.create_dataset('SUNRGBD2Dseg/seglabel', (3, 1), dtype=h5py.ref_dtype)
        for i, (split, scene) in enumerate(scenes):
            size = (H + i, W - i)
            label = rng.integers(0, 38, size).astype(np.uint16)
            file[f'#refs#/{i}'] = label.T
            references[i, 0] = file[f'#refs#/{i}'].ref
            image = encode(rng.integers(0, 256, (*size, 3), dtype=np.uint8), '.jpg')
            members[f'SUNRGBD/{scene}/image/frame.jpg'] = image
            members[f'SUNRGBD/{scene}/depth/frame.png'] = b'depth is not read'
            entries.append((f'SUNRGBD/{scene}', 'frame.jpg', f'/n/fs/sun3d/data/SUNRGBD/{scene}/image/frame.jpg'))
            truth.append((split, label, image))
    archive(folder / 'SUNRGBD.zip', members)
    meta = np.array([entries], dtype=[('sequenceName', object), ('rgbname', object), ('rgbpath', object)])
    (folder / 'SUNRGBDMeta2DBB_v2.mat').write_bytes(matlab(SUNRGBDMeta2DBB=meta))
    lists = {split: cells([f'/n/fs/sun3d/data/SUNRGBD/{scene}{"/" if i else ""}' for i, (s, scene) in enumerate(scenes)
                           if s == split]) for split in ('train', 'test')}
    archive(folder / 'SUNRGBDtoolbox.zip', {
        'SUNRGBDtoolbox/Metadata/SUNRGBD2Dseg.mat': seg.getvalue(),
        'SUNRGBDtoolbox/traintestSUNRGBD/allsplit.mat': matlab(alltrain=lists['train'], alltest=lists['test'])})
    return truth


def make_camvid(folder, stray=None, first='0001TP_006690'):
    folder.mkdir()
    rng = np.random.default_rng(2)
    colours = np.array([colour for _, colour in COLOURS32], np.uint8)
    truth, images, masks = {}, {}, {}
    for stem, split in ((first, 'train'), ('0016E5_07959', 'val'), ('0001TP_008550', 'test'),
                        ('Seq05VD_f00000', 'test')):
        indices = rng.integers(0, 32, (H, W))
        indices[-1, :32] = range(32)
        mask = colours[indices]
        if stray:
            mask[0, 0] = stray
        images[f'{stem}.png'], masks[f'{stem}_L.png'] = encode(picture(rng)), encode(mask)
        truth[stem] = split, indices
    archive(folder / '701_StillsRaw_full.zip', {f'701_StillsRaw_full/{k}': v for k, v in images.items()})
    archive(folder / 'LabeledApproved_full.zip', masks)
    return truth


def make_coco_stuff164k(folder):
    folder.mkdir()
    rng = np.random.default_rng(3)
    allowed = np.array([i for i in range(182) if i not in (11, 25, 28, 29, 44, 65, 67, 68, 70, 82, 90)] + [255])
    truth, maps = {}, {}
    for split in ('train', 'val'):
        stem = f'00000000000{len(truth)}'
        values = rng.choice(allowed, (H, W))
        values[0, :len(allowed) % W] = 255
        values.ravel()[-len(allowed):] = allowed
        archive(folder / f'{split}2017.zip', {f'{split}2017/{stem}.jpg': encode(picture(rng), '.jpg')})
        maps[f'{split}2017/{stem}.png'] = encode(values.astype(np.uint8))
        truth[split, stem] = values
    archive(folder / 'stuffthingmaps_trainval2017.zip', maps)
    return truth


def make_coco_stuff10k(folder):
    folder.mkdir()
    rng = np.random.default_rng(4)
    allowed = np.array([0] + [i + 1 for i in range(182) if i not in (11, 25, 28, 29, 44, 65, 67, 68, 70, 82, 90)])
    truth, members = {}, {}
    for split in ('train', 'test'):
        stem = f'COCO_train2014_00000000000{len(truth)}'
        ids = rng.choice(allowed, (H, W))
        ids.ravel()[:len(allowed)] = allowed
        members[f'images/{stem}.jpg'] = encode(picture(rng), '.jpg')
        members[f'annotations/{stem}.mat'] = matlab(S=ids.astype(np.uint16))
        members[f'imageLists/{split}.txt'] = f'{stem}\n'.encode()
        truth[split, stem] = ids
    archive(folder / 'cocostuff-10k-v1.1.zip', members)
    return truth


def make_coco_panoptic(folder):
    """Archives of PNG files inside the archive of the JSON files."""
    folder.mkdir()
    rng = np.random.default_rng(5)
    ids = [*(i for i in range(1, 91) if i not in (12, 26, 29, 30, 45, 66, 68, 69, 71, 83)),
           92, 93, 95, 100, 107, 109, 112, 118, 119, 122, 125, 128, 130, 133, 138, 141, 144, 145, 147, 148, 149, 151,
           154, 155, 156, 159, 161, 166, 168, 171, 175, 176, 177, 178, 180, 181, *range(184, 201)]
    assert len(ids) == 133
    truth, members = {}, {}
    for split in ('train', 'val'):
        stem = f'00000000000{len(truth)}'
        segments = [dict(id=int(s), category_id=int(c)) for s, c in
                    zip(rng.choice(1 << 24, 6, replace=False), [1, 90, 200, *rng.choice(ids, 3)])]
        which = rng.integers(0, 7, (H, W))  # 6: nothing
        number = np.array([s['id'] for s in segments] + [0])[which]
        png = np.stack([number & 255, number >> 8 & 255, number >> 16], -1).astype(np.uint8)
        truth[split, stem] = np.array([ids.index(s['category_id']) for s in segments] + [255])[which]
        archive(folder / f'{split}2017.zip', {f'{split}2017/{stem}.jpg': encode(picture(rng), '.jpg')})
        inner = io.BytesIO()
        with zipfile.ZipFile(inner, 'w') as file:
            file.writestr(f'panoptic_{split}2017/{stem}.png', encode(png))
        members[f'annotations/panoptic_{split}2017.zip'] = inner.getvalue()
        members[f'annotations/panoptic_{split}2017.json'] = json.dumps(dict(
            categories=[dict(id=i) for i in reversed(ids)],
            annotations=[dict(file_name=f'{stem}.png', segments_info=segments)])).encode()
    archive(folder / 'panoptic_annotations_trainval2017.zip', members)
    return truth


def make_pascal_context(folder):
    folder.mkdir()
    rng = np.random.default_rng(6)
    names = [*PascalContextDataset59.METAINFO['classes'], 'accordion', 'unknown', 'zebra']
    order = rng.permutation(len(names))
    numbered = {i + 1: names[k] for i, k in enumerate(order)}
    truth, voc, maps = {}, {}, {}
    for stem, split in (('2008_000001', 'train'), ('2008_000002', 'val')):
        label = rng.integers(1, len(names) + 1, (H, W)).astype(np.uint16)
        maps[f'trainval/{stem}.mat'] = matlab(LabelMap=label)
        voc[f'VOCdevkit/VOC2010/JPEGImages/{stem}.jpg'] = encode(picture(rng), '.jpg')
        voc[f'VOCdevkit/VOC2010/ImageSets/Main/{split}.txt'] = f'{stem}\n'.encode()
        truth[stem] = np.vectorize(numbered.get)(label)
    archive(folder / 'trainval.tar.gz', maps)
    archive(folder / 'VOCtrainval_03-May-2010.tar', voc)
    (folder / 'labels.txt').write_text(''.join(f'{i}: {name}\n' for i, name in numbered.items()))
    return truth


def make_colours(folder):
    rng = np.random.default_rng(7)
    table = 'name,r,g,b,index\nground,10,20,30,0\nplant,0,200,0,1\nleaf,0,210,0,1\nnothing,0,0,0,255\n'
    colours = np.array([(10, 20, 30), (0, 200, 0), (0, 210, 0), (0, 0, 0)], np.uint8)
    truth = {}
    for split in ('train', 'val'):
        which = rng.integers(0, 4, (H, W))
        for kind, suffix, pixels in (('images', '.jpg', picture(rng)), ('masks', '.png', colours[which])):
            (folder / kind / split).mkdir(parents=True)
            (folder / kind / split / f'a{suffix}').write_bytes(encode(pixels, suffix))
        truth[split, 'a'] = np.array([0, 1, 1, 255])[which]
    return table, truth


MINIATURES = {
    'nyuv2': make_nyuv2, 'sunrgbd': make_sunrgbd, 'camvid': make_camvid, 'coco-stuff10k': make_coco_stuff10k,
    'coco-stuff164k': make_coco_stuff164k, 'coco-panoptic': make_coco_panoptic, 'pascal-context': make_pascal_context,
    'colours': make_colours
}
