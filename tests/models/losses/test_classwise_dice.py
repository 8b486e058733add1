import pytest
import torch

from segfusion.models.losses import ClasswiseDiceLoss


def reference(logits, label):
    """Sums in double loops over classes and labelled pixels."""
    p, total = logits.softmax(1), 0.
    for c in range(logits.shape[1]):
        both = squares = 0.
        for n in range(len(label)):
            for y in range(label.shape[1]):
                for x in range(label.shape[2]):
                    if label[n, y, x] != 255:
                        t = float(label[n, y, x] == c)
                        both += p[n, c, y, x].item() * t
                        squares += p[n, c, y, x].item()**2 + t
        total += 1 - (2 * both + 1e-5) / (squares + 1e-5)
    return total / logits.shape[1]


def test_against_a_loop():
    logits = torch.randn(2, 4, 5, 7).double()
    label = torch.randint(0, 3, (2, 5, 7))  # class 3 is not in the batch, and counts
    label[0, :2] = 255
    assert ClasswiseDiceLoss()(logits, label).item() == pytest.approx(reference(logits, label), abs=1e-12)


def test_limits():
    label = torch.randint(0, 3, (2, 5, 7))
    perfect = 100. * torch.nn.functional.one_hot(label, 3).permute(0, 3, 1, 2)
    assert ClasswiseDiceLoss()(perfect, label) < 1e-6
    assert ClasswiseDiceLoss(loss_weight=0.5)(perfect.roll(1, dims=1), label).item() == pytest.approx(0.5, abs=1e-5)


def test_unlabelled_pixels_have_no_say():
    logits, label = torch.randn(1, 3, 4, 6).double().requires_grad_(), torch.randint(0, 3, (1, 4, 6))
    label[..., 3:] = 255
    loss = ClasswiseDiceLoss()(logits, label)
    assert loss.item() == pytest.approx(ClasswiseDiceLoss()(logits[..., :3], label[..., :3]).item(), abs=1e-12)
    loss.backward()
    assert not logits.grad[..., 3:].any() and logits.grad[..., :3].all()


def test_gradients():
    label = torch.randint(0, 3, (1, 2, 3))
    assert torch.autograd.gradcheck(lambda x: ClasswiseDiceLoss()(x, label), torch.randn(1, 3, 2, 3).double(
    ).requires_grad_())
