import pytest
import torch
import torch.nn.functional as F

from gen_core.errors import InvalidExperiment
from gen_core.losses import CrossEntropy, Logistic, Loss, Square, classes, right

S, B, C = 3, 7, 4


@pytest.fixture
def g():
    return torch.Generator().manual_seed(0)


@pytest.fixture
def f(g):
    return 10 * torch.randn(S, B, generator=g, dtype=torch.float64)


@pytest.fixture
def y(g):
    return 2.0 * torch.randint(2, (S, B), generator=g).double() - 1


def test_square_against_mse(f, y):
    expected = F.mse_loss(f, y, reduction="none")
    torch.testing.assert_close(Square(1.0).per_point(f, y), expected)
    torch.testing.assert_close(Square().per_point(f, y), expected / 2)


def test_logistic_against_binary_cross_entropy(f, y):
    expected = F.binary_cross_entropy_with_logits(f, (y > 0).double(), reduction="none")
    torch.testing.assert_close(
        Logistic().per_point(f, y), expected, rtol=1e-13, atol=1e-14
    )  # torch cancels where f is large


@pytest.mark.parametrize("margin", [-800.0, -30.0, 30.0, 700.0])
def test_logistic_is_exact_in_both_tails(margin):
    f, y = torch.tensor([[margin]], dtype=torch.float64), torch.ones(1, 1, dtype=torch.float64)
    expected = torch.logaddexp(torch.zeros_like(f), -f)
    torch.testing.assert_close(Logistic().per_point(f, y), expected, rtol=1e-14, atol=0)


def test_cross_entropy_against_torch(g):
    f = 10 * torch.randn(S, B, C, generator=g, dtype=torch.float64)
    y = torch.randint(C, (S, B), generator=g)
    expected = F.cross_entropy(f.flatten(0, 1), y.flatten(), reduction="none").view(S, B)
    torch.testing.assert_close(CrossEntropy().per_point(f, y), expected, rtol=1e-13, atol=1e-13)


def test_two_classes_of_a_softmax_are_the_logistic_loss_of_the_difference(f, y):
    two = torch.stack([torch.zeros_like(f), f], -1)
    actual = CrossEntropy().per_point(two, (y > 0).long())
    torch.testing.assert_close(actual, Logistic().per_point(f, y), rtol=1e-12, atol=1e-14)


def test_classes_and_right_with_two_classes():
    f, y = torch.tensor([[2.0, -1.0, 3.0, -4.0]]), torch.tensor([[1.0, 1.0, -1.0, -1.0]])
    assert classes(f).tolist() == [[True, False, True, False]]
    assert right(f, y).tolist() == [[True, False, False, True]]


def test_classes_and_right_with_more_classes():
    f = torch.tensor([[[0.0, 2.0, 1.0], [3.0, 2.0, 1.0]]])
    assert classes(f).tolist() == [[1, 0]]
    assert right(f, torch.tensor([[1, 2]])).tolist() == [[True, False]]


def test_every_loss_is_a_loss_and_hashable():
    for loss in (Square(), Logistic(), CrossEntropy()):
        assert isinstance(loss, Loss)
        assert len({loss, type(loss)()}) == 1


@pytest.mark.parametrize("factor", [0.0, -1.0, float("inf"), float("nan")])
def test_factor_of_the_wrong_kind(factor):
    with pytest.raises(InvalidExperiment, match=rf"^factor {factor}; expected a positive number$"):
        Square(factor)


@pytest.mark.parametrize("loss", [Square(), Logistic()])
def test_outputs_that_do_not_pair_with_labels_are_not_broadcast(loss):
    with pytest.raises(InvalidExperiment, match=r"^outputs \(3, 7, 7\) for labels \(3, 7\); expected equal shapes$"):
        loss.per_point(torch.zeros(3, 7, 7), torch.zeros(3, 7))


def test_cross_entropy_of_single_outputs():
    with pytest.raises(InvalidExperiment, match=r"^outputs \(3, 7\) for classes \(3, 7\); expected one more axis$"):
        CrossEntropy().per_point(torch.zeros(3, 7), torch.zeros(3, 7, dtype=torch.int64))


def test_an_output_that_is_no_number_is_never_right():
    nan = float("nan")
    assert right(torch.tensor([[nan, nan, 1.0]]), torch.tensor([[-1.0, 1.0, 1.0]])).tolist() == [[False, False, True]]
    f = torch.tensor([[[nan, 0.0], [0.0, nan], [0.0, 1.0]]])
    assert right(f, torch.tensor([[0, 1, 1]])).tolist() == [[False, False, True]]
    assert right(f, torch.tensor([[[1.0, 0.0], [0.0, 1.0], [0.0, 1.0]]])).tolist() == [[False, False, True]]
