"""Drawing level by level: states to go on from, styles moved, and drawings stopped."""

from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
from torch.testing import assert_close

from stylesmith.errors import UsageError
from stylesmith.networks import Growth
from stylesmith.networks.synthesis import DrawingStopped, LevelState
from stylesmith.ops import upsample2d

MODULATED = [{"connection": name} for name in ("grow", "orig", "skip", "resid", "multiscale")]
STYLED = [*MODULATED, {"kind": "adain", "connection": "grow"}]
TRADITIONAL = {"kind": "traditional", "connection": "grow", "constant_input": False}
ALL = [*STYLED, TRADITIONAL]
GROWING = [fields for fields in ALL if fields["connection"] == "grow"]
FAMILIES = pytest.mark.parametrize("fields", ALL, ids=str)


@pytest.fixture(autouse=True)
def no_gradients():
    with torch.no_grad():
        yield


def styles(generator, count=3):
    """Another w for every layer of every image."""
    config = generator.config
    numbers = torch.Generator().manual_seed(1)
    return torch.randn(count, config.num_ws, config.w_dim, generator=numbers)


@FAMILIES
def test_the_last_state_holds_the_images(tiny_generator, fields):
    generator = tiny_generator(**fields)
    ws = styles(generator)
    states = list(generator.levels(ws))
    assert [state.level for state in states] == [0, 1, 2]
    assert [state.features.shape[-1] for state in states] == [4, 8, 16]
    assert torch.equal(states[-1].image, generator.draw(ws))


@FAMILIES
@pytest.mark.parametrize("level", [0, 1])
def test_a_drawing_goes_on_from_a_stored_state(tiny_generator, fields, level):
    generator = tiny_generator(**fields)
    ws = styles(generator)
    state = list(generator.levels(ws))[level]
    changed = ws.clone()
    changed[:, 2 * level + 2 :] += 1  # fine styles alone
    assert torch.equal(generator.draw(changed, start=state), generator.draw(changed))
    levels = [found.level for found in generator.levels(changed, start=state)]
    assert levels == list(range(level + 1, 3))


@pytest.mark.parametrize("fields", GROWING, ids=str)
def test_a_drawing_goes_on_while_a_level_fades_in(tiny_generator, fields):
    generator = tiny_generator(**fields)
    ws, growth = styles(generator), Growth(2, 0.4)
    whole = generator.draw(ws, growth=growth)
    for state in list(generator.levels(ws, growth=growth))[:2]:
        assert torch.equal(generator.draw(ws, growth=growth, start=state), whole)


@FAMILIES
def test_one_stored_image_goes_on_in_many_ways(tiny_generator, fields):
    generator = tiny_generator(**fields)
    ws = styles(generator, 1).repeat(3, 1, 1)
    state = next(generator.levels(ws[:1]))
    ws[:, 2:] = styles(generator)[:, 2:]
    assert_close(generator.draw(ws, start=state), generator.draw(ws), atol=1e-5, rtol=1e-4)


def test_a_skip_image_is_the_sum_of_upsampled_contributions(tiny_generator):
    states = list((generator := tiny_generator()).levels(styles(generator)))
    image = states[0].rgb
    for state in states[1:]:
        image = upsample2d(image) + state.rgb
    assert torch.equal(image, states[-1].image)


def test_a_callback_stops_a_drawing_between_two_levels(tiny_generator):
    generator = tiny_generator()
    asked: list[LevelState] = []

    def keep_going(state: LevelState) -> bool:
        asked.append(state)
        return state.level < 1

    with pytest.raises(DrawingStopped, match="stopped behind level 1"):
        generator.draw(styles(generator), keep_going=keep_going)
    assert [state.level for state in asked] == [0, 1]
    whole = generator.draw(styles(generator), keep_going=lambda state: True)
    assert torch.equal(generator.draw(styles(generator), start=asked[-1]), whole)


@pytest.mark.parametrize("fields", STYLED, ids=str)
def test_an_offset_of_a_style_equals_a_moved_bias(tiny_generator, fields):
    generator = tiny_generator(**fields)
    ws, before = styles(generator), generator.draw(styles(generator))
    summed = fields["connection"] in ("skip", "orig", "resid") or "kind" in fields
    unused = () if summed else ("rgb1", "rgb3")  # images of lower levels
    for name in generator.synthesis.affines.keys() - set(unused):
        moved = tiny_generator(**fields)
        bias = moved.synthesis.affines[name].bias
        offset = torch.linspace(-1, 1, len(bias))[None]
        bias += offset[0]
        drawn = generator.draw(ws, style_offsets={name: offset})
        assert_close(drawn, moved.draw(ws), atol=1e-5, rtol=1e-4)
        assert (drawn - before).abs().max() > 1e-4, name
    assert torch.equal(generator.draw(ws), before)


def test_two_threads_draw_different_edits_of_one_generator(tiny_generator):
    generator = tiny_generator(levels=5)
    ws = styles(generator)
    channels = {name: len(affine.bias) for name, affine in generator.synthesis.affines.items()}
    edits = [{name: torch.full((1, size), 0.5)} for name, size in channels.items()] * 4

    @torch.no_grad()
    def draw(edit):
        states = list(generator.levels(ws, style_offsets=edit))
        return [state.features for state in states] + [states[-1].image]

    alone = [draw(edit) for edit in edits]
    with ThreadPoolExecutor(2) as pool:
        together = list(pool.map(draw, edits))
    for first, second in zip(alone, together, strict=True):
        assert all(torch.equal(a, b) for a, b in zip(first, second, strict=True))
    assert not torch.equal(alone[0][-1], alone[1][-1])


@pytest.mark.parametrize(
    ("offsets", "message"),
    [
        ({"9": torch.zeros(1, 8)}, r"layer '9': .* belong to 0, 1, rgb1, 2, 3, rgb3, 4, rgb5"),
        ({"2": torch.zeros(1, 5)}, r"style offset '2': has the shape \(1, 5\), wanted \(N, 8\)"),
        ({"2": torch.zeros(8)}, r"style offset '2': has the shape \(8,\), wanted \(N, 8\)"),
    ],
)
def test_offsets_that_fit_no_style_are_refused(tiny_generator, offsets, message):
    generator = tiny_generator()
    with pytest.raises(UsageError, match=message):
        generator.draw(styles(generator), style_offsets=offsets)


def test_networks_without_styles_refuse_offsets(tiny_generator):
    generator = tiny_generator(**TRADITIONAL)
    with pytest.raises(UsageError, match="no styles: w enters once, at the bottom"):
        generator.draw(styles(generator), style_offsets={"0": torch.zeros(1, 8)})


def test_states_that_do_not_fit_are_refused(tiny_generator):
    generator = tiny_generator()
    base, _, top = generator.levels(styles(generator))
    with pytest.raises(UsageError, match="start at level 2: wanted 0 to 1, below the top"):
        generator.draw(styles(generator), start=top)
    with pytest.raises(UsageError, match=r"features \(3, 8, 4, 4\), wanted \(2, 8, 4, 4\)"):
        generator.draw(styles(generator, 2), start=base)
    with pytest.raises(UsageError, match="start at level 0: holds no image to add to"):
        generator.draw(styles(generator), start=LevelState(0, base.features))
