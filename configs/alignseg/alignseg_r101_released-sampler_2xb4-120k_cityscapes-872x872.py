# For the authors' checkpoints, which were trained with their first sampler. Whether torch then read the grid with or
# without corners is not recorded: validate with both, by setting sampler='released_corners' in its place.
_base_ = './alignseg_r101_2xb4-120k_cityscapes-872x872.py'
sampler = 'released'
model = dict(
    decode_head=dict(
        align=dict(type='DualOffsetAlign', sampler=sampler), context=dict(type='AlignedContext', sampler=sampler)))
