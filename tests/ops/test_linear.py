import pytest
import torch
import torch.nn.functional as F
from torch.autograd import gradcheck, gradgradcheck
from torch.testing import assert_close

from stylesmith.ops import linear


@pytest.mark.parametrize("rows", [0, 1, 15, 16, 17, 40])
def test_rows_in_blocks_are_a_linear_layer(rows):
    x, weight, bias = torch.randn(rows, 6), torch.randn(5, 6), torch.randn(5)
    with torch.no_grad():
        assert_close(linear(x, weight, bias), F.linear(x, weight, bias))
        assert_close(linear(x, weight), F.linear(x, weight))


@pytest.mark.parametrize("rows", [1, 3, 16, 29])
def test_when_drawing_a_row_has_the_same_bits_in_any_company(rows):
    x, weight, bias = torch.randn(48, 512), torch.randn(384, 512), torch.randn(384)
    with torch.no_grad():
        together = linear(x, weight, bias)
        apart = torch.cat([linear(part, weight, bias) for part in x.split(rows)])
    assert torch.equal(apart, together)


def test_linear_is_twice_differentiable():
    shapes = [(3, 4), (2, 4), (2,)]
    inputs = tuple(torch.randn(s, dtype=torch.float64, requires_grad=True) for s in shapes)
    assert gradcheck(linear, inputs)
    assert gradgradcheck(linear, inputs)
