import torch

from segfusion.models.fusion import GateUnitFusion


def test_is_the_product_where_the_norm_is_neutral():
    coarse, fine = torch.randn(2, 3, 5, 7), torch.randn(2, 3, 5, 7)
    assert torch.equal(GateUnitFusion(3, norm_cfg=None)(coarse, fine), coarse * fine)
    torch.testing.assert_close(GateUnitFusion(3).eval()(coarse, fine), coarse * fine / (1 + 1e-5)**0.5)


def test_a_closed_gate_passes_nothing():
    assert not GateUnitFusion(3).eval()(torch.zeros(1, 3, 4, 4), torch.randn(1, 3, 4, 4)).any()


def test_serves_any_top_down_head():
    from segfusion.models.decode_heads import TopDownHead
    head = TopDownHead([4, 8], 6, num_classes=5, fusion=dict(type='GateUnitFusion'), norm_cfg=dict(type='BN'),
                       align_corners=False)
    head([torch.randn(2, 4, 9, 13), torch.randn(2, 8, 5, 7)]).square().sum().backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in head.parameters())
