"""NYU Depth V2 and SUN RGB-D from their MATLAB files."""
import io
from typing import Any, Dict, List

import numpy as np

from ..checks import few
from .run import Recipe, Sample, lookup, one_lower
from .source import Source, field, need_extra

SUN_ROOT = '/n/fs/sun3d/data/'  # of the authors' machine, in their lists


def _hdf5(source: Source, name: str) -> Any:
    """Open a MATLAB 7.3 file, which is HDF5."""
    h5py = need_extra('h5py')
    path = source.path(name)
    try:
        return h5py.File(path if path is not None else io.BytesIO(source.read(name)), 'r')
    except OSError as error:
        raise ValueError(f'{name} is no MATLAB 7.3 (HDF5) file, or is cut off ({error}); download it again') from None


def _mat5(source: Source, name: str, **kwargs: Any) -> Dict[str, Any]:
    """Read a MATLAB 5 file."""
    data = source.read(name)
    try:
        return need_extra('scipy').loadmat(io.BytesIO(data), **kwargs)
    except (ValueError, TypeError, NotImplementedError, OSError, EOFError, IndexError) as error:
        raise ValueError(f'{name} is no MATLAB 5 file, or is cut off ({error}); download it again') from None


def nyuv2_tables(source: Source) -> Dict[str, np.ndarray]:
    """Tables from the 894 labels of the file (0: nothing) to 40 and 13 classes (255: nothing)."""
    name = source.one('classMapping40.mat')
    to_40 = np.ravel(field(_mat5(source, name), ['mapClass'], name)).astype(np.int64)
    name = source.one('class13Mapping.mat')
    mapping = field(_mat5(source, name), ['classMapping13'], name)
    if not mapping.dtype.names:
        raise ValueError(f'{name}: expected a struct in classMapping13 but found an array of {mapping.dtype}')
    key = 'labels13' if 'labels13' in mapping.dtype.names else mapping.dtype.names[0]
    to_13 = np.ravel(mapping[key][0, 0]).astype(np.int64)
    if len(to_13) != 40:
        raise ValueError(f'{name}: expected a class for each of 40 classes but found {len(to_13)}')
    labels40 = lookup(np.concatenate([[0], to_40]), one_lower(40), 'classMapping40.mat')
    to_13 = lookup(np.concatenate([[0], to_13]), one_lower(13), name)
    return dict(labels40=labels40, labels13=to_13[np.concatenate([[0], to_40])])


def nyuv2(source: Source) -> List[Sample]:
    """nyu_depth_v2_labeled.mat holds transposed arrays: images (N, 3, W, H) and labels (N, W, H), 0 for nothing."""
    name = source.one('nyu_depth_v2_labeled.mat')
    file = _hdf5(source, name)
    for key, axes in (('images', 4), ('labels', 3)):
        if key not in file or file[key].ndim != axes:
            got = file[key].shape if key in file else 'none'
            raise ValueError(f'{name}: expected the array {key} of {axes} axes but found {got}; the file of all '
                             'labelled frames is wanted, not a part of the raw data')
    images, labels = file['images'], file['labels']
    if images.shape[0] != labels.shape[0] or images.shape[1] != 3 or images.shape[2:] != labels.shape[1:]:
        raise ValueError(f'{name}: expected images (N, 3, W, H) and labels (N, W, H) but found {images.shape} and '
                         f'{labels.shape}')
    tables = nyuv2_tables(source)
    splits = _mat5(source, source.one('splits.mat'))
    lists = {split: np.ravel(field(splits, [f'{split}Ndxs'], 'splits.mat')).astype(int) for split in ('train', 'test')}
    wrong = [str(i) for indices in lists.values() for i in indices if not 1 <= i <= len(images)]
    if wrong:
        raise ValueError(f'splits.mat names the frames {few(wrong)}, but {name} has 1..{len(images)}')
    both = set(lists['train']) & set(lists['test'])
    if both:
        raise ValueError(f'splits.mat has the frames {few([str(i) for i in sorted(both)])} in both splits')

    def sample(split: str, number: int) -> Sample:
        i = number - 1  # MATLAB counts from 1
        stem = f'{split}/{number:04d}.png'
        return Sample(split, f'images/{stem}', lambda: images[i].transpose(2, 1, 0),  # (3, W, H) -> (H, W, 3)
                      {f'{folder}/{stem}': lambda table=table: lookup(labels[i].T, table, f'{name}, frame {number}')
                       for folder, table in tables.items()})

    return [sample(split, int(number)) for split, numbers in lists.items() for number in numbers]


def _scene(path: str) -> str:
    """'kv1/NYUdata/NYU0001' of any way in which the files write it."""
    parts = [p for p in path.replace(SUN_ROOT, '').split('/') if p]
    return '/'.join(parts[1:] if parts[:1] == ['SUNRGBD'] else parts)


def sunrgbd(source: Source) -> List[Sample]:
    """Label ``i`` of SUNRGBD2Dseg.mat (HDF5, transposed, 0 for nothing) belongs to entry ``i`` of the meta file."""
    name = source.one('SUNRGBD2Dseg.mat')
    seg = _hdf5(source, name)
    if 'SUNRGBD2Dseg' not in seg or 'seglabel' not in seg['SUNRGBD2Dseg']:
        raise ValueError(f'{name}: expected SUNRGBD2Dseg/seglabel but found {few(list(seg)) or "nothing"}')
    labels = seg['SUNRGBD2Dseg']['seglabel']
    meta_name = source.one('SUNRGBDMeta2DBB_v2.mat', 'SUNRGBDMeta.mat')
    meta = _mat5(source, meta_name, squeeze_me=True, struct_as_record=False)
    entries = np.atleast_1d(field(meta, ['SUNRGBDMeta2DBB', 'SUNRGBDMeta'], meta_name))
    if len(entries) != labels.size:
        raise ValueError(f'{meta_name} has {len(entries)} entries but {name} {labels.size} labels; are the files of '
                         'one release?')
    listed = _mat5(source, source.one('allsplit.mat'), squeeze_me=True)
    split_of: Dict[str, str] = {}
    for split in ('train', 'test'):
        for path in np.atleast_1d(field(listed, [f'all{split}'], 'allsplit.mat')):
            if split_of.setdefault(_scene(str(path)), split) != split:
                raise ValueError(f'allsplit.mat has {path} in both splits')
    unlisted = [_scene(e.sequenceName) for e in entries if _scene(e.sequenceName) not in split_of]
    if unlisted:
        raise ValueError(f'{len(unlisted)} of {len(entries)} scenes are in no list of allsplit.mat: {few(unlisted)}')
    images = {_scene('/'.join(n[n.rfind('SUNRGBD/'):].split('/')[:-2])) + '/' + n.split('/')[-1]: n
              for n in source.some('image/*.jpg')}
    lost = [key for key in (f'{_scene(e.sequenceName)}/{e.rgbname}' for e in entries) if key not in images]
    if lost:
        raise FileNotFoundError(f'{len(lost)} of {len(entries)} images are missing: {few(lost)}; expected them below '
                                f'SUNRGBD/. {source.remedy}')
    table, references = one_lower(37), labels[:].ravel()

    def sample(i: int, entry: Any) -> Sample:
        split, image = split_of[_scene(entry.sequenceName)], images[f'{_scene(entry.sequenceName)}/{entry.rgbname}']

        def label() -> np.ndarray:
            return lookup(seg[references[i]][:].T.astype(np.int64), table, f'{name}, label {i + 1}')

        return Sample(split, f'images/{split}/{i + 1:05d}.jpg', lambda: source.read(image),
                      {f'labels/{split}/{i + 1:05d}.png': label}, source.path(image))

    return [sample(i, entry) for i, entry in enumerate(entries)]


NYUV2 = Recipe(
    title='NYU Depth V2',
    licence='none stated; the authors ask to be cited (Silberman et al., ECCV 2012)',
    where='nyu_depth_v2_labeled.mat (2.8 GB) and splits.mat are on the page "NYU Depth Dataset V2" of New York '
          'University (cs.nyu.edu/~fergus/datasets/nyu_depth_v2.html); classMapping40.mat comes with the code of Gupta '
          'et al. (s-gupta/rcnn-depth), class13Mapping.mat with ankurhanda/nyuv2-meta-data, both on GitHub',
    samples=nyuv2,
    counts=dict(train=795, test=654),
    # stated alike by several public loaders of the file
    checksums={'nyu_depth_v2_labeled.mat': '520609c519fba3ba5ac58c8fefcc3530'},
    classes=dict(labels40=40, labels13=13))

SUNRGBD = Recipe(
    title='SUN RGB-D',
    licence='none stated; the authors ask to be cited (Song et al., CVPR 2015), with NYU Depth V2, Berkeley B3DO and '
            'SUN3D, which it contains',
    where='SUNRGBD.zip (6.9 GB), SUNRGBDtoolbox.zip and SUNRGBDMeta2DBB_v2.mat are on rgbd.cs.princeton.edu',
    samples=sunrgbd,
    counts=dict(train=5285, test=5050),
    checksums={'SUNRGBDtoolbox.zip': '18d22e1761d36352f37232cba102f91f'},  # VoteNet's sunrgbd/README.md
    classes=dict(labels=37))
