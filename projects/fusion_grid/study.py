title = 'Alignment, gates and context'
question = ('HOW two levels are lined up, WHERE each of them is believed, and WHAT the scene says: which of the three '
            'pays, for one small pyramid on drawn street scenes?')
base = 'configs/topdown_half-r18_1xb4-400_street-scenes-128x192.py'
axes = dict(
    align=dict(
        bilinear={'model.decode_head.align.type': 'BilinearAlign'},
        flow={'model.decode_head.align.type': 'FlowAlign'},
        dual={'model.decode_head.align.type': 'DualOffsetAlign'},
        recorded={'model.decode_head.align.type': 'RecordedAlign'}),
    fusion=dict(
        sum={'model.decode_head.fusion.type': 'SumFusion'},
        gate={'model.decode_head.fusion.type': 'DuplexGateFusion'}),
    context=dict(
        pyramid={'model.decode_head.context.type': 'PyramidPoolingContext'},
        aligned={'model.decode_head.context.type': 'AlignedContext'}))
seeds = [0]
measure = dict(size=(128, 192), repeats=9, threads=2, columns=['mIoU', 'mBIoU', 'trimap_mIoU_3px', 'mBF_3px'])
images = 3
