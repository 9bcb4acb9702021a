import pytest
import torch

from stylesmith.figures.generator_smoothness import (
    QR_BLOCK_ROWS,
    jacobian,
    jacobian_vector_products,
    singular_values,
)

KINDS = [
    {"kind": "traditional", "connection": "grow", "constant_input": False},
    {"kind": "adain", "connection": "grow"},
    {},
    {"connection": "resid", "spectral_norm": True},
]


@pytest.mark.parametrize("batch_size", [1, 4, 99])
def test_of_a_linear_generator_it_is_its_matrix(batch_size):
    matrix = torch.randn(48, 10, dtype=torch.float64)

    def draw(w):
        return (w @ matrix.T).unflatten(1, (3, 4, 4)) + 5

    found = jacobian(draw, torch.randn(10, dtype=torch.float64), batch_size=batch_size)
    torch.testing.assert_close(found, matrix)
    torch.testing.assert_close(singular_values(found), torch.linalg.svdvals(matrix))


@pytest.mark.parametrize("fields", KINDS)
def test_of_every_kind_of_generator_it_is_what_row_by_row_gives(tiny_generator, fields):
    generator = tiny_generator(levels=2, **fields).eval().requires_grad_(False)
    w = torch.randn(generator.config.w_dim)

    def draw(w):
        return generator.draw(generator.broadcast(w))

    rows = torch.autograd.functional.jacobian(lambda w: draw(w[None]).flatten(), w)
    torch.testing.assert_close(jacobian(draw, w), rows, atol=1e-5, rtol=1e-4)


def test_each_row_is_pushed_from_its_own_point():
    points, directions = torch.randn(3, 2), torch.randn(3, 2)
    pushed = jacobian_vector_products(lambda x: x.sin(), points, directions)
    torch.testing.assert_close(pushed, points.cos() * directions)


def test_it_needs_no_gradient_mode_of_its_caller():
    with torch.no_grad():
        found = jacobian(lambda x: 2 * x, torch.ones(3))
    torch.testing.assert_close(found, 2 * torch.eye(3))


def test_folding_rows_keeps_singular_values_whatever_their_range():
    """1e-6 of the largest is beyond what a product J^T J in float32 would keep."""
    wanted = torch.logspace(0, -6, 4, dtype=torch.float64)
    left = torch.linalg.qr(torch.randn(2 * QR_BLOCK_ROWS + 5, 4, dtype=torch.float64)).Q
    right = torch.linalg.qr(torch.randn(4, 4, dtype=torch.float64)).Q
    torch.testing.assert_close(singular_values(left * wanted @ right), wanted, rtol=1e-8, atol=0)
