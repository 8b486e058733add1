title = 'Alignment, gates and context on CamVid'
question = ('HOW two levels are lined up, WHERE each of them is believed, and WHAT the scene says: which of the three '
            'pays in SFNet with a ResNet-18, from scratch, on CamVid?')
base = '../../configs/sfnet/sfnet_r18_1xb8-20k_camvid-360x480.py'
axes = dict(
    align=dict(
        bilinear={'model.decode_head.align.type': 'BilinearAlign'},
        flow=None,  # SFNet's own
        dual={'model.decode_head.align.type': 'DualOffsetAlign'}),
    fusion=dict(
        sum=None,
        gate={'model.decode_head.fusion.type': 'DuplexGateFusion'}),
    context=dict(
        pyramid=None,
        aligned={'model.decode_head.context.type': 'AlignedContext'}))
seeds = [0, 1, 2]
measure = dict(size=(360, 480), repeats=21)
pictures = 4
