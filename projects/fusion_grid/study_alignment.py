title = 'How levels line up'
question = 'Of the ways to line a coarse level up with a fine one, which keeps boundaries best, all else equal?'
base = 'configs/topdown_half-r18_1xb4-400_street-scenes-128x192.py'
axes = dict(
    align=dict(
        bilinear=None,  # as in the base
        flow={'model.decode_head.align.type': 'FlowAlign'},
        dual={'model.decode_head.align.type': 'DualOffsetAlign'},
        deformable={'model.decode_head.align.type': 'DeformableAlign'}))
seeds = [0, 1]
_iterations = 800  # names that begin with _ are the file's own
overrides = {
    'train_cfg.max_iters': _iterations,
    'train_cfg.val_interval': 200,
    'param_scheduler': [dict(type='PolyLR', eta_min=1e-4, power=0.9, begin=0, end=_iterations, by_epoch=False)],
    'default_hooks.checkpoint.interval': 200,
}
measure = dict(size=(128, 192), repeats=9, threads=2)
