"""Folders of results: complete, redrawn to the bit, and resumed as if nothing had happened."""

import json
from dataclasses import replace

import pytest
import torch
from torch.testing import assert_close

from stylesmith import images as pixels
from stylesmith.errors import DataError, OutputError, RunError
from stylesmith.inversion import Projector
from stylesmith.inversion.latent_optimizer import read_state
from stylesmith.inversion.projector import MISMATCH_MESSAGES
from stylesmith.sampling import read_latent_file
from stylesmith.sampling.latent_files import load_sources
from tests.support import CPU, garble


def project(optimizer, targets, out, **settings):
    projector = Projector(optimizer, out, **settings)
    return projector, list(projector.project(targets))


def rows(found, pipeline):
    codes = [
        read_latent_file(f.folder.latent, pipeline.config, model=pipeline.model_hash) for f in found
    ]
    return torch.stack(
        [torch.cat([code.ws.flatten(), *map(torch.flatten, code.noise)]) for code in codes]
    )


@pytest.mark.parametrize("noise", [True, False])
def test_a_latent_file_draws_the_result_again_in_every_bit(
    generator, make_optimizer, targets, out, noise
):
    projector, found = project(make_optimizer(generator, noise=noise), targets, out, batch_size=3)
    for item in found:
        codes = projector.pipeline.codes(load_sources(projector.pipeline, [item.folder.latent]))
        drawn = pixels.encode_image(projector.pipeline.draw(codes)[0])
        assert drawn == item.folder.result.read_bytes()
        # Drawn alone and in fp32, it is as far away as the optimizer said.
        optimizer = projector.optimizer
        distance = optimizer.distance.distance(
            generator.draw(codes.ws, codes.noise), item.target.image[None]
        )
        assert float(distance) == pytest.approx(item.distance, rel=1e-3)


def test_each_image_has_a_folder_with_everything(generator, make_optimizer, targets, out):
    projector, found = project(make_optimizer(generator), targets[:1], out, video=".gif")
    (item,) = found
    assert {path.name for path in item.folder.path.iterdir()} == {
        "latent.safetensors", "target.png", "result.png", "difference.png", "loss.svg",
        "search.gif", "result.json",
    }  # fmt: skip
    summary = json.loads((out / "seed0" / "result.json").read_text())
    assert summary["made_by"]["distance"] == "random" and summary["steps"] == 20
    settings = read_latent_file(
        item.folder.latent, generator.config, model=projector.pipeline.model_hash
    ).settings
    assert settings == summary
    assert item.folder.target.read_bytes() == pixels.encode_image(targets[0].image)


def test_differences_are_black_where_there_is_none(generator):
    from stylesmith.inversion.projector import difference_image

    image = torch.tensor([-1.0, 0.0, 1.0]).expand(3, 1, 3)
    assert (pixels.to_uint8(difference_image(image, image)) == 0).all()
    assert (
        pixels.to_uint8(difference_image(image, -image))[0, 0] == torch.tensor([255, 0, 255])
    ).all()


@pytest.mark.parametrize("stop_after", [1, 7])
def test_an_interrupted_projection_goes_on_to_the_same_bits(
    generator, make_optimizer, targets, out, stop_after
):
    optimizer = make_optimizer(generator, steps=12)
    projector, whole = project(optimizer, targets, out / "whole")

    def stop(done: int, total: int) -> None:
        if done >= stop_after * len(targets):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        project(optimizer, targets, out / "parts", on_progress=stop)
    state, _ = read_state(out / "parts" / "seed0" / "state.safetensors", device=CPU)
    assert state.step == stop_after
    _, parts = project(optimizer, targets, out / "parts")
    assert torch.equal(rows(whole, projector.pipeline), rows(parts, projector.pipeline))
    assert [f.distance for f in whole] == [f.distance for f in parts]
    assert not (out / "parts" / "seed0" / "state.safetensors").exists()


@pytest.mark.parametrize(
    "steps", [8, pytest.param(201, marks=pytest.mark.slow)]
)  # evaluated at every step; at every second, and the last
def test_a_caller_that_stops_loses_nothing(generator, make_optimizer, targets, out, steps):
    optimizer = make_optimizer(generator, steps=steps, noise=False)
    projector, whole = project(optimizer, targets, out / "whole")
    going = Projector(optimizer, out / "parts").project(targets)
    next(going)
    going.close()  # the others are as far, and not written yet
    assert (out / "parts" / "seed2" / "state.safetensors").exists()
    _, parts = project(optimizer, targets, out / "parts")
    assert torch.equal(rows(whole, projector.pipeline), rows(parts, projector.pipeline))
    assert [f.summary["steps"] for f in parts] == [steps] * 3


def test_evaluations_are_as_many_as_steps_ask_for(generator, make_optimizer, targets):
    for steps, evaluations in ((8, 9), (250, 126), (251, 127)):
        optimizer = make_optimizer(generator, steps=steps, noise=False)
        state = optimizer.initial_state(1)
        for step in range(steps + 1):
            state = replace(state, step=step)
            if optimizer.evaluation_due(state):
                nothing = torch.zeros(1)
                state = state.with_evaluation(nothing, nothing, torch.zeros(1, 1, 8))
            assert not optimizer.evaluation_due(state)
        assert state.evaluations == evaluations


def test_finished_images_are_not_projected_again(generator, make_optimizer, targets, out):
    optimizer = make_optimizer(generator)
    project(optimizer, targets[:2], out)
    before = {path: path.stat().st_mtime_ns for path in out.rglob("*.*")}
    steps = []
    _, found = project(
        optimizer, targets, out, on_progress=lambda done, total: steps.append((done, total))
    )
    assert [item.target.name for item in found] == ["seed0", "seed1", "seed2"]
    assert {path: path.stat().st_mtime_ns for path in before} == before
    assert steps[0] == (41, 60) and steps[-1] == (60, 60)


def test_images_that_are_close_enough_leave_and_the_rest_go_on(
    generator, make_optimizer, targets, out
):
    _, whole = project(make_optimizer(generator, steps=30, noise=False), targets, out / "whole")
    whole.sort(key=lambda item: item.distance)
    limit = (whole[0].distance + whole[1].distance) / 2  # the closest leaves, from the first place
    optimizer = make_optimizer(generator, steps=30, noise=False, stop_at=limit)
    _, early = project(optimizer, [item.target for item in whole], out / "early")
    assert early[0].target is whole[0].target
    assert early[0].summary["steps"] < 30 and early[0].distance <= limit
    for item, same in zip(early[1:], whole[1:], strict=True):
        assert item.summary["steps"] == 30
        assert item.distance == pytest.approx(same.distance, rel=0.05)


@pytest.mark.parametrize("what", ["model", "picture", "settings", "distance"])
def test_results_of_something_else_are_refused(
    generator, tiny_generator, make_optimizer, targets, out, what
):
    optimizer = make_optimizer(generator, steps=2)
    project(optimizer, targets[:1], out)
    if what == "model":
        optimizer = make_optimizer(tiny_generator(seed=1).requires_grad_(False), steps=2)
    elif what == "picture":
        targets[0] = type(targets[0])("seed0", "other.png", -targets[0].image)
    elif what == "settings":
        optimizer = make_optimizer(generator, steps=3)
    else:
        optimizer.distance.name = "other"
    with pytest.raises(OutputError, match=rf"{MISMATCH_MESSAGES[what]}\. Use the same again"):
        project(optimizer, targets[:1], out)


def test_a_damaged_summary_is_named(generator, make_optimizer, targets, out):
    optimizer = make_optimizer(generator, steps=2)
    project(optimizer, targets[:1], out)
    garble(out / "seed0" / "result.json")
    (out / "seed0" / "result.json").write_text("{")
    with pytest.raises(DataError, match=r"result.json: damaged .*; remove it"):
        project(optimizer, targets[:1], out)


def test_any_batch_gives_the_same_results(generator, make_optimizer, targets, out):
    optimizer = make_optimizer(generator, noise=False, steps=10)
    projector, one = project(optimizer, targets, out / "one", batch_size=1)
    _, three = project(optimizer, targets, out / "three", batch_size=3)
    assert_close(
        rows(one, projector.pipeline), rows(three, projector.pipeline), atol=1e-3, rtol=1e-2
    )


def test_conditional_networks_draw_their_results(tiny_generator, make_optimizer, out, targets):
    network = tiny_generator(label_size=2).requires_grad_(False)
    _, found = project(make_optimizer(network, steps=2, label=1), targets[:1], out)
    assert found[0].summary["made_by"]["settings"]["label"] == 1


def test_a_projection_that_diverges_is_an_error(generator, make_optimizer, targets, out):
    optimizer = make_optimizer(generator, steps=2)
    optimizer.distance.embed = lambda images: images.flatten(1) * torch.nan
    with pytest.raises(RunError, match=r"seed0.png: projection diverged, its distance is nan"):
        project(optimizer, targets[:1], out)
    assert not (out / "seed0" / "result.json").exists()
