"""One step: what it moves, by how much, and that a step which is not finite moves nothing."""

import math

import pytest
import torch

from stylesmith.config import TrainingConfig
from stylesmith.errors import UsageError
from stylesmith.training import loss_passes
from stylesmith.training.schedule import BatchLayout
from stylesmith.training.train_state import TrainState, lazy_adam
from stylesmith.training.train_step import TrainStep
from tests.support import CPU, copies, differing, make_train_step, tiny_config

PASSES = ["generator_pass", "path_pass", "discriminator_pass", "r1_pass"]


@pytest.fixture
def train_step(photos) -> TrainStep:
    return make_train_step(*tiny_config(photos))


@pytest.mark.parametrize(
    ("interval", "lr", "beta2"),
    [(4, 1.6e-3, 0.991992), (16, 1.88235e-3, 0.990585), (None, 2e-3, 0.99)],
)
def test_adam_is_corrected_for_lazy_regularization(tiny_generator, interval, lr, beta2):
    optimizer = lazy_adam(tiny_generator(), TrainingConfig(), lr=0.002, interval=interval)
    (group,) = optimizer.param_groups
    assert group["lr"] == pytest.approx(lr, rel=1e-5)
    assert group["betas"] == (0, pytest.approx(beta2, abs=1e-6))
    assert group["eps"] == 1e-8


def test_only_a_regularization_that_is_on_corrects_adam(photos):
    config, _ = tiny_config(photos, "training.r1_gamma=0", "training.path_weight=0")
    state = TrainState.create(config, CPU)
    for optimizer in (state.generator_optimizer, state.discriminator_optimizer):
        assert optimizer.param_groups[0]["lr"] == 0.002


def test_all_moments_exist_before_the_first_step(photos):
    config, _ = tiny_config(photos)
    state = TrainState.create(config, CPU)
    names = state.tensors().keys()
    for network in ("generator", "discriminator"):
        for name, parameter in getattr(state, network).named_parameters():
            moments = [f"{network}_optimizer.{name}.{m}" for m in ("step", "exp_avg", "exp_avg_sq")]
            assert names >= {f"{network}.{name}", *moments}
            square = state.tensors()[moments[2]]
            assert square.stride() == parameter.stride()  # channels last, as the weight is


def test_a_step_moves_both_networks_the_average_and_both_clocks(train_step):
    before = copies(train_step.state.tensors())
    stats = train_step.step()
    moved = set(differing(before, train_step.state.tensors()))
    weights = {name for name in before if name.startswith(("generator.", "discriminator."))}
    still = {name for name in weights - moved if "noise_" not in name}
    assert still == set()
    assert {"ema.synthesis.const", "generator.mapping.w_avg", "path_mean"} <= moved
    clocks = train_step.state.counters
    assert (clocks.steps, clocks.images_seen, clocks.dropped) == (1, 4, 0)
    expected = {"loss_g", "loss_d", "r1", "path_penalty"}
    expected |= {"score_real", "score_fake", "sign_real", "sign_fake"}
    assert stats.keys() == expected
    assert all(value.ndim == 0 and math.isfinite(value) for value in stats.values())


def test_lazy_passes_come_at_their_intervals(train_step):
    lazy = [{"r1", "path_penalty"} & train_step.step().keys() for _ in range(5)]
    assert lazy == [{"r1", "path_penalty"}, set(), {"path_penalty"}, set(), {"r1", "path_penalty"}]
    updates = train_step.state.tensors()
    assert updates["generator_optimizer.synthesis.const.step"] == 5 + 3
    assert updates["discriminator_optimizer.from_rgb.weight.step"] == 5 + 2


@pytest.mark.parametrize("order", ["generator_first", "discriminator_first"])
def test_the_order_of_moves_is_a_setting(photos, monkeypatch, order):
    train_step = make_train_step(*tiny_config(photos, f"training.order={order}"))
    called = []
    for name in PASSES:
        monkeypatch.setattr(loss_passes, name, spy(called, name, getattr(loss_passes, name)))
    train_step.step()
    expected = PASSES if order == "generator_first" else PASSES[2:] + PASSES[:2]
    assert called == expected


def spy(called, name, real):
    def call(*arguments, **options):
        called.append(name)
        return real(*arguments, **options)

    return call


def test_the_mean_w_moves_once_a_step_towards_the_mean_of_all_micro_batches(photos):
    config, dataset = tiny_config(photos, "training.micro_batch=1", "training.path_weight=0")
    train_step = make_train_step(config, dataset)
    generator = train_step.state.generator
    latents = train_step._latent_batch("generator", range(4))
    w = generator.mapping(latents.z).mean(0).detach()
    train_step.step()
    beta = config.generator.mapping.w_avg_beta
    torch.testing.assert_close(generator.mapping.w_avg, (1 - beta) * w)


def test_the_target_length_moves_once_a_step(photos):
    config, dataset = tiny_config(photos, "training.micro_batch=2")
    train_step = make_train_step(config, dataset)
    lengths = []
    real = loss_passes.path_pass

    def remember(*arguments):
        loss, stats = real(*arguments)
        lengths.append(stats["path_length"])
        return loss, stats

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loss_passes, "path_pass", remember)
        train_step.step()
    assert len(lengths) == 2
    expected = config.training.path_decay * torch.stack(lengths).mean()
    torch.testing.assert_close(train_step.state.quantities["path_mean"], expected)


def test_accumulated_gradients_are_those_of_the_whole_batch(photos):
    """With a discriminator that does not look across images, micro-batches change nothing."""
    settings = ["discriminator.stddev_features=0", "training.path_batch_shrink=1"]
    states = []
    for micro_batch in (4, 2, 1):
        config, dataset = tiny_config(photos, f"training.micro_batch={micro_batch}", *settings)
        train_step = make_train_step(config, dataset)
        train_step.step()
        states.append(train_step.state.tensors())
    for name, value in states[0].items():
        for other in states[1:]:
            torch.testing.assert_close(other[name], value, rtol=1e-3, atol=1e-5, msg=name)


@pytest.mark.parametrize("name", PASSES)
@pytest.mark.parametrize("kind", ["loss", "gradient", "huge gradient"])
def test_a_step_that_is_not_finite_moves_nothing_but_the_clocks(
    train_step, monkeypatch, name, kind
):
    for _ in range(4):  # so that moments and means are not zero, and every pass is due again
        train_step.step()
    before = copies(train_step.state.tensors())
    with monkeypatch.context() as patch:
        patch.setattr(loss_passes, name, spoiled(getattr(loss_passes, name), train_step, kind))
        assert train_step.step() is None
    assert differing(before, train_step.state.tensors()) == []
    clocks = train_step.state.counters
    assert (clocks.steps, clocks.images_seen) == (5, 20)
    assert (clocks.dropped, clocks.dropped_in_row) == (1, 1)

    assert train_step.step() is not None
    assert "generator.synthesis.const" in differing(before, train_step.state.tensors())
    assert (clocks.dropped, clocks.dropped_in_row) == (1, 0)
    assert all(torch.isfinite(value).all() for value in train_step.state.tensors().values())


def spoiled(real, train_step, kind):
    """A pass whose loss, or only its gradient, is not finite, or too large for Adam's squares."""

    def call(*arguments, **options):
        loss, stats = real(*arguments, **options)
        networks = (train_step.state.generator, train_step.state.discriminator)
        moving = next(p for n in networks for p in n.parameters() if p.requires_grad)
        zero = (moving * 0).sum()
        match kind:
            case "loss":
                return loss * math.nan, stats
            case "gradient":
                return loss + zero.sqrt(), stats
            case "huge gradient":
                return loss + 1e25 * (moving - moving.detach()).sum(), stats

    return call


def test_a_dropped_step_uses_up_its_data_and_random_numbers(photos):
    """The step after it is the one that would have come after it anyway."""
    train_step = make_train_step(*tiny_config(photos))
    asked = []
    real = train_step.loader.load_batch
    train_step.loader.load_batch = lambda positions, upcoming: (
        asked.append(list(positions)) or real(positions, upcoming)
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            loss_passes, "generator_pass", spoiled(loss_passes.generator_pass, train_step, "loss")
        )
        train_step.step()
    train_step.step()
    assert asked == [[0, 1, 2, 3], [4, 5, 6, 7]]


def test_shares_of_all_processes_cover_the_batch_once(monkeypatch):
    layout = BatchLayout(batch_size=12, micro_batch=2, processes=3)
    assert layout.accumulation == 2
    found = []
    for rank in range(3):
        monkeypatch.setattr("stylesmith.training.schedule.distributed.rank", lambda rank=rank: rank)
        shares = layout.micro_batches()
        assert [len(share) for share in shares] == [2, 2]
        found += [index for share in shares for index in share]
    assert sorted(found) == list(range(12))


@pytest.mark.parametrize(
    ("batch", "micro", "processes", "advice"), [(6, 4, 1, "=8"), (4, 1, 3, "=3"), (2, 2, 2, "=4")]
)
def test_a_batch_that_cannot_be_shared_is_refused_with_one_that_can(
    batch, micro, processes, advice
):
    with pytest.raises(UsageError, match=f"--set training.batch_size{advice}") as caught:
        BatchLayout(batch, micro, processes)
    BatchLayout(int(advice[1:]), micro, processes)
    assert "\n" not in str(caught.value)


def test_labels_of_generated_images_are_distributed_as_in_the_data(photos):
    config, dataset = tiny_config(photos, conditional=True)
    train_step = make_train_step(config, dataset)
    found = torch.cat([train_step._latent_batch(f"p{i}", range(4)).label for i in range(100)])
    assert found.shape == (400, 2)
    assert found.sum(1).eq(1).all()
    assert found[:, 0].mean().item() == pytest.approx(0.5, abs=0.1)
    assert train_step.step() is not None
