title = 'Alignment, gates and context'
question = ('HOW two levels are lined up, WHERE each of them is believed, and WHAT the scene says: which of the three '
            'pays, for one small pyramid on drawn street scenes?')
base = 'configs/topdown_half-r18_1xb4-400_street-scenes-128x192.py'
axes = dict(
    align=dict(
        bilinear=None,  # as in the base
        flow={'model.decode_head.align.type': 'FlowAlign'},
        dual={'model.decode_head.align.type': 'DualOffsetAlign'}),
    fusion=dict(
        sum=None,
        gate={'model.decode_head.fusion.type': 'DuplexGateFusion'}),
    context=dict(
        pyramid=None,
        aligned={'model.decode_head.context.type': 'AlignedContext'}))
seeds = [0]
measure = dict(size=(128, 192), repeats=9, threads=2)
pictures = 3
