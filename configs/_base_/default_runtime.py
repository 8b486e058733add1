# The one place that imports our package: every config inherits this file, so every part can be named.
custom_imports = dict(imports=['segfusion'], allow_failed_imports=False)
default_scope = 'mmseg'
runner_type = 'CheckedRunner'
env_cfg = dict(
    cudnn_benchmark=True,
    mp_cfg=dict(mp_start_method='fork', opencv_num_threads=0),
    dist_cfg=dict(backend='nccl'))
vis_backends = [dict(type='LocalVisBackend')]
visualizer = dict(type='SegLocalVisualizer', vis_backends=vis_backends, name='visualizer')
log_processor = dict(by_epoch=False)
default_hooks = dict(
    initial_weights=dict(type='InitialWeightsHook'),
    checkpoint_fit=dict(type='CheckpointFitHook'),
    finite_loss=dict(type='FiniteLossHook'),
    label_audit=dict(type='LabelAuditHook'),
    timer=dict(type='IterTimerHook'),
    logger=dict(type='LoggerHook', interval=50, log_metric_by_epoch=False),
    param_scheduler=dict(type='ParamSchedulerHook'),
    # one after each validation; interval=N for every N iterations
    checkpoint=dict(type='AtomicCheckpointHook', by_epoch=False, max_keep_ckpts=3, save_best='mIoU'),
    sampler_seed=dict(type='DistSamplerSeedHook'),
    determinism=dict(type='ValidationDeterminismHook'),
    visualization=dict(type='SegVisualizationHook'))
log_level = 'INFO'
# Files that tools/convert_checkpoint.py made. Elsewhere? Set the environment variable CONVERTED_ROOT.
converted_root = '{{$CONVERTED_ROOT:checkpoints}}'
load_from = None
resume = False
tta_model = dict(type='ProbabilityTTAModel')
