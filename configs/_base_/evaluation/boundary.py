# Boundary metrics beside the usual ones. A child inherits this file as well, and says
# test_evaluator = {{_base_.boundary_evaluator}} (and val_evaluator, to follow boundaries in training).
boundary_evaluator = [
    dict(type='FrequencyWeightedIoUMetric', iou_metrics=['mIoU']),
    dict(type='BoundaryIoUMetric'),
    dict(type='TrimapIoUMetric'),
    dict(type='BoundaryFScoreMetric'),
]
