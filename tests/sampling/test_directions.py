"""Directions: found where theory says they are, kept in files, and moved along."""

import numpy as np
import pytest
import torch
from torch.testing import assert_close

from stylesmith.errors import DataError, UsageError
from stylesmith.sampling.directions import (
    Direction,
    boundary_direction,
    channel_direction,
    orthogonalize,
    pca_directions,
    principal_components,
    read_boundary,
    read_direction,
    right_singular_vectors,
    save_direction,
    sefa_directions,
)
from stylesmith.sampling.style_affines import find_affine, stacked_affine_weights
from tests import support


def same_up_to_sign(found, wanted):
    assert_close(found.double(), wanted * (found.double() @ wanted).sign(), atol=1e-5, rtol=1e-5)


def direction(vector, **fields):
    defaults = {"name": "x", "unit": 1.0, "layers": (0, 1), "origin": "boundary", "model": "m"}
    return Direction(vector=vector, **(defaults | fields))


def test_factorization_gives_the_top_right_singular_vectors(make_pipeline):
    pipeline = make_pipeline()
    for layers in (None, (0, 1), (4,)):
        weights = stacked_affine_weights(pipeline.generator, range(6) if layers is None else layers)
        _, values, rows = torch.linalg.svd(weights.double())
        found = sefa_directions(pipeline, layers=layers, count=4)
        assert len(found) == 4
        for move, row, value in zip(found, rows, values, strict=False):
            same_up_to_sign(move.vector, row)
            assert_close((weights.double() @ move.vector.double()).norm(), value)
            assert move.layers == (tuple(range(6)) if layers is None else layers)


def test_no_unit_vector_moves_styles_farther_than_the_first_factor():
    weights = torch.randn(30, 8)
    first = right_singular_vectors(weights)[0].float()
    others = torch.nn.functional.normalize(torch.randn(1000, 8), dim=1)
    assert (weights @ first).norm() >= (others @ weights.T).norm(dim=1).max()


def test_components_of_points_with_known_axes_are_those_axes():
    axes = torch.linalg.qr(torch.randn(6, 6, dtype=torch.float64)).Q.T
    lengths = torch.tensor([9.0, 7, 5, 3, 2, 1], dtype=torch.float64)
    ends = axes * lengths[:, None]
    points = torch.cat([ends, -ends]) + 100  # whose mean is far from 0
    for found, axis in zip(principal_components(points), axes, strict=True):
        same_up_to_sign(found, axis)


def test_components_of_a_linear_mapping_are_its_singular_vectors(make_pipeline, monkeypatch):
    """z is normal, so that w = A z has the covariance A A^T."""
    pipeline = make_pipeline()
    axes = torch.linalg.qr(torch.randn(8, 8)).Q
    lengths = torch.tensor([8.0, 6, 4.5, 3, 2, 1.5, 1, 0.5])
    monkeypatch.setattr(pipeline.generator.mapping, "forward", lambda z, c: z @ (axes * lengths).T)
    found = pca_directions(pipeline, count=8)
    for i, move in enumerate(found):
        assert abs(float(move.vector @ axes[:, i])) > 0.99
        assert move.unit == pytest.approx(float(lengths[i]), rel=0.05)


@pytest.mark.parametrize("find", [sefa_directions, pca_directions])
def test_units_are_standard_deviations_and_signs_are_settled(make_pipeline, find):
    pipeline = make_pipeline()
    for move in find(pipeline, count=3):
        assert move.vector.norm().item() == pytest.approx(1, abs=1e-6)
        assert move.unit == pytest.approx(float((pipeline.w_samples @ move.vector).std()), rel=1e-4)
        assert move.vector[move.vector.abs().argmax()] > 0


def test_a_growing_network_is_factorized_as_far_as_it_has_grown(make_pipeline):
    from stylesmith.networks import Growth

    pipeline = make_pipeline(connection="grow")
    pipeline.generator.growth = Growth(1)
    assert sefa_directions(pipeline, count=1)[0].layers == (0, 1, 2, 3)


def test_a_boundary_is_crossed_at_a_right_angle(make_pipeline):
    pipeline = make_pipeline()
    normal = torch.randn(1, 8, dtype=torch.float64) * 7
    move = boundary_direction(pipeline, normal, name="smile", layers=(0, 1))
    assert_close(move.vector.double(), normal[0] / normal.norm(), atol=1e-6, rtol=1e-6)
    readings = pipeline.w_samples.double() @ normal[0]
    assert move.unit * float(normal.norm()) == pytest.approx(float(readings.std()))
    assert (move.name, move.layers, move.origin) == ("smile", (0, 1), "boundary")


@pytest.mark.parametrize("normal", [torch.zeros(8), torch.ones(7), torch.full((8,), float("nan"))])
def test_boundaries_that_are_none_are_refused(make_pipeline, normal):
    with pytest.raises(UsageError, match="smile: a boundary of this network has 8 weights"):
        boundary_direction(make_pipeline(), normal, name="smile")


def test_what_is_left_without_others_is_orthogonal_to_them():
    vectors = torch.nn.functional.normalize(torch.randn(4, 8), dim=1)
    first, *others = (direction(v, name=f"d{i}", unit=2.0) for i, v in enumerate(vectors))
    rest = orthogonalize(first, [*others, others[0]])  # the same one twice does no harm
    assert rest.vector.norm().item() == pytest.approx(1, abs=1e-6)
    for other in others:
        assert abs(float(rest.vector @ other.vector)) < 1e-6
    step, shorter = first.unit * first.vector, rest.unit * rest.vector
    lost = step - shorter  # lies in the span of the others
    coefficients = torch.linalg.lstsq(vectors[1:].T, lost[:, None]).solution
    assert_close(vectors[1:].T @ coefficients, lost[:, None], atol=1e-5, rtol=1e-5)
    assert orthogonalize(first, others[:2]).name == "d0_without_d1_without_d2"
    assert orthogonalize(first, []) is first


def test_the_way_that_leaves_others_alone_is_the_shortest_in_spreads_of_w():
    """Among all steps with the same readings, none has a smaller Mahalanobis length."""
    ws = torch.randn(4000, 8) @ torch.randn(8, 8)
    spread = torch.cov(ws.double().T)
    vectors = torch.nn.functional.normalize(torch.randn(3, 8), dim=1)
    first, *others = (direction(v, name=f"d{i}") for i, v in enumerate(vectors))
    found = orthogonalize(first, [*others, others[0]], ws)
    step = found.vector.double()
    assert_close(vectors[1:].double() @ step, torch.zeros(2).double(), atol=1e-5, rtol=0)
    assert found.unit == pytest.approx(float((ws @ found.vector).std()), rel=1e-4)

    def length(v):
        return float(v @ torch.linalg.solve(spread, v))

    still = torch.linalg.qr(vectors.double().T, mode="complete").Q[:, 3:]  # no reading changes
    for change in still.T:
        assert length(step) < length(step + 0.01 * change)
        assert length(step) < length(step - 0.01 * change)


def test_where_w_spreads_evenly_it_is_the_orthogonal_part():
    ws = torch.cat([torch.eye(8), -torch.eye(8)])
    vectors = torch.nn.functional.normalize(torch.randn(3, 8), dim=1)
    first, *others = (direction(v) for v in vectors)
    assert_close(orthogonalize(first, others, ws).vector, orthogonalize(first, others).vector)


def test_nothing_left_is_said():
    one = direction(torch.eye(8)[0], name="smile")
    with pytest.raises(UsageError, match="smile: nothing is left of it without smile"):
        orthogonalize(one, [one])
    with pytest.raises(UsageError, match="only directions of one space"):
        orthogonalize(one, [direction(torch.eye(8)[0], affine="3")])


@pytest.mark.parametrize("affine", [None, "3"])
def test_strength_0_is_the_identity_and_others_are_not(make_pipeline, affine):
    pipeline = make_pipeline()
    vector = torch.nn.functional.normalize(torch.randn(8), dim=0)
    move = direction(vector, affine=affine, layers=(3,), unit=3.0)
    codes = pipeline.codes([5])
    strengths = torch.tensor([-2.0, 0.0, 2.0])
    (low, same, high) = (
        pipeline.draw(move.apply(codes, one, pipeline.config))[0] for one in strengths.split(1)
    )
    assert torch.equal(same, pipeline.draw(codes)[0])
    assert (low - same).abs().max() > 1e-3 and (high - low).abs().max() > 1e-3
    together = pipeline.draw(move.apply(codes, strengths, pipeline.config))
    assert_close(together, torch.stack([low, same, high]))


def test_moving_w_moves_just_its_layers(make_pipeline):
    pipeline = make_pipeline()
    move = direction(torch.eye(8)[2], unit=0.5, layers=(1, 4))
    codes = pipeline.codes([5])
    moved = move.apply(codes, torch.tensor([3.0]), pipeline.config)
    step = torch.zeros(6, 8)
    step[[1, 4], 2] = 1.5
    assert_close(moved.ws[0] - codes.ws[0], step)
    assert move.with_layers((0,)).layers == (0,)


def test_a_style_channel_is_one_number_of_one_layer(make_pipeline):
    pipeline = make_pipeline()
    move = channel_direction(pipeline, "rgb3", 2)
    affine = find_affine(pipeline.generator, "rgb3")
    styles = affine.module(pipeline.w_samples)
    assert move.unit == pytest.approx(float(styles[:, 2].std()), rel=1e-4)
    assert (move.vector.tolist(), move.layers) == ([0, 0, 1, 0, 0, 0, 0, 0], (3,))
    with pytest.raises(UsageError, match="channel 8: layer rgb3 has the channels 0-7"):
        channel_direction(pipeline, "rgb3", 8)
    with pytest.raises(UsageError, match="moves a style of layer rgb3, and no other"):
        move.with_layers((0,))


@pytest.mark.parametrize("affine", [None, "3"])
def test_files_keep_everything(make_pipeline, tmp_path, affine):
    pipeline = make_pipeline()
    model = pipeline.model_hash
    move = direction(torch.randn(8), model=model, affine=affine, unit=0.1, layers=(3,))
    save_direction(tmp_path / "x.safetensors", move)
    again = read_direction(tmp_path / "x.safetensors", pipeline.generator, model=model)
    assert torch.equal(again.vector, move.vector)
    for name in ("name", "unit", "layers", "origin", "model", "affine"):
        assert getattr(again, name) == getattr(move, name)


def test_files_of_another_model_and_damaged_ones_are_refused(make_pipeline, tmp_path):
    pipeline, path = make_pipeline(), tmp_path / "x.safetensors"
    save_direction(path, direction(torch.randn(8), model="0123"))
    with pytest.raises(
        DataError, match=f"belongs to the model 0123, this one is {pipeline.model_hash}"
    ):
        read_direction(path, pipeline.generator, model=pipeline.model_hash)
    for damage in support.DAMAGES:
        save_direction(path, direction(torch.randn(8), model="m"))
        damage(path)
        with pytest.raises(DataError, match="damaged"):
            read_direction(path, pipeline.generator, model="m")


@pytest.mark.parametrize(
    ("move", "message"),
    [
        (direction(torch.randn(7)), r"its vector is \(7,\), wanted \(8,\)"),
        (direction(torch.randn(8), layers=(6,)), "layer 6"),
        (direction(torch.randn(8), affine="9"), "layer '9'"),
    ],
)
def test_files_that_do_not_fit_are_refused(make_pipeline, tmp_path, move, message):
    save_direction(tmp_path / "x.safetensors", move)
    with pytest.raises(DataError, match=message):
        read_direction(tmp_path / "x.safetensors", make_pipeline().generator, model="m")


def test_boundaries_come_from_numpy_files(tmp_path):
    normal = np.arange(8.0)[None]
    np.save(tmp_path / "a.npy", normal)
    np.savez(tmp_path / "b.npz", intercept=np.ones(1), coef=normal)
    for name in ("a.npy", "b.npz"):
        assert_close(read_boundary(tmp_path / name), torch.from_numpy(normal))


def test_other_files_are_no_boundaries(tmp_path):
    np.savez(tmp_path / "names.npz", smile=np.ones(8))
    with pytest.raises(DataError, match=r"names\.npz: holds smile; wanted an array named coef"):
        read_boundary(tmp_path / "names.npz")
    np.save(tmp_path / "pickled.npy", np.array([object()]), allow_pickle=True)
    np.save(tmp_path / "words.npy", np.array(["a"]))
    (tmp_path / "text.npy").write_text("hello")
    (tmp_path / "empty.npz").write_bytes(b"")
    (tmp_path / "folder.npy").mkdir()
    for name in ("pickled.npy", "words.npy", "text.npy", "empty.npz", "folder.npy"):
        with pytest.raises(DataError, match=f"{name}: not a numpy file of numbers"):
            read_boundary(tmp_path / name)
    with pytest.raises(DataError, match=r"nowhere\.npy: no such file"):
        read_boundary(tmp_path / "nowhere.npy")
