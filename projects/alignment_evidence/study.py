title = 'Alignment on CamVid'
question = 'Why are the levels of a pyramid misaligned, and what repairs it?'
base = 'configs/topdown_half-r18_1xb8-60e_camvid-144x192.py'
axes = dict(
    align=dict(
        bilinear=None,  # as in the base
        flow={'model.decode_head.align.type': 'FlowAlign'},
        dual={'model.decode_head.align.type': 'DualOffsetAlign'},
        recorded={'model.decode_head.align.type': 'RecordedAlign'}))
seeds = [0, 1, 2]
measure = dict(size=(180, 240), repeats=21, threads=1, columns=['mIoU', 'mBIoU', 'trimap_mIoU_3px', 'mBF_3px'])
images = 4
