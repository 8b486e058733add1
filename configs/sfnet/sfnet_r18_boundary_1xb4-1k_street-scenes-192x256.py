# How good is it at boundaries? Same network, same training, more metrics in the test.
_base_ = ['./sfnet_r18_1xb4-1k_street-scenes-192x256.py', '../_base_/evaluation/boundary.py']
test_evaluator = {{_base_.boundary_evaluator}}
