"""Latent optimization: the steps that bring generated images to target images.

Source: StyleGAN2, appendix D; Adam, Kingma and Ba 2015.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from stylesmith.choices import ProjectionForm
from stylesmith.errors import ModelError, UsageError
from stylesmith.formatting import format_image_size
from stylesmith.inversion.projection_variables import (
    ProjectionSettings,
    ProjectionVariables,
    noise_regularizer,
)
from stylesmith.latents import RandomKeys
from stylesmith.networks import Generator
from stylesmith.networks.sample_inputs import LabelChoice, label_input
from stylesmith.networks.sampling_pipeline import sample_w
from stylesmith.perception.extractors import open_distance
from stylesmith.perception.preprocessing import ImageDistance
from stylesmith.perception.random_features import RandomFeatures
from stylesmith.perception.vgg_lpips import LPIPS
from stylesmith.perception.weights import default_weights_folder, find_weight_file
from stylesmith.tensor_file import read_tensor_file, write_tensor_file


@dataclass(frozen=True)
class WStatistics:
    """Mean and spread of w, over 10,000 latents (StyleGAN2, appendix D)."""

    mean: Tensor
    """`(D,)`."""
    sigma: float
    """sigma, the root of the mean squared distance to the mean."""


def w_statistics(generator: Generator, label: LabelChoice | None = None) -> WStatistics:
    """Statistics of one class or label; None is all classes in turn, where there are any.

    Raises:
        UsageError: If the network has no such class, or none at all.
    """
    w = sample_w(generator, None if label is None else generator.label_row(label_input(label)))
    mean = w.mean(dim=0)
    spread = (w - mean).square().sum(dim=1).mean().sqrt()
    return WStatistics(mean, float(spread))


def choose_distance(
    name: str | None,
    size: tuple[int, int],
    device: torch.device,
    weights_folder: Path | None = None,
) -> tuple[ImageDistance, str]:
    """The distance of a name; None is LPIPS, or another where LPIPS is not available.

    Args:
        name: `lpips`, `random`, `pixels` or None.
        size: Height and width of the images.
        device: Where to compute.
        weights_folder: Where weights lie, if not at the usual place.

    Returns:
        The distance, and a line that says why it isn't LPIPS; empty if it is, or was named.

    Raises:
        UsageError: If there is none of that name, or the images are too small for it.
        ModelError: If its weights are missing or damaged.
    """
    line = ""
    if name is None:
        name, reason = _default_distance(min(size), weights_folder or default_weights_folder())
        line = f"{reason}: the distance is {name!r}, whose values are no LPIPS" if reason else ""
    found = open_distance(name, device, weights_folder)
    if min(size) < found.min_size:
        raise UsageError(
            f"--distance {name}: needs images of {found.min_size} pixels or more, this network "
            f"draws {format_image_size(size)}. Use 'pixels'."
        )
    return found, line


def _default_distance(size: int, folder: Path) -> tuple[str, str]:
    """The best available distance for images of `size` pixels or more, and why it isn't LPIPS."""
    if size < RandomFeatures.min_size:
        return "pixels", f"networks need images of {RandomFeatures.min_size} pixels or more"
    if size < LPIPS.min_size:
        return "random", f"LPIPS needs images of {LPIPS.min_size} pixels or more"
    names = [find_weight_file(name).file_name for name in ("vgg16", "lpips")]
    if not all((folder / name).is_file() for name in names):
        get = "`stylesmith weights fetch vgg16 lpips`"
        return "random", f"the weights of LPIPS are not there ({get})"
    return "lpips", ""


RAMP_UP, RAMP_DOWN = 0.05, 0.25
"""Shares of the steps in which the learning rate rises from zero and falls back to it."""
W_NOISE_END = 0.75
"""Share of the steps in which noise is added to w."""
W_NOISE_SCALE = 0.05


def learning_rate_factor(time: float) -> float:
    """Share of the largest learning rate at a time of 0..1: linear rise, plateau, cosine fall."""
    fall = min(1.0, (1 - time) / RAMP_DOWN)
    return min(1.0, time / RAMP_UP) * (0.5 - 0.5 * math.cos(math.pi * fall))


def w_noise_std(time: float, sigma: float, form: ProjectionForm = "code") -> float:
    """Standard deviation of the noise on each number of w.

    The paper writes N(0, 0.05 sigma t^2), t falling from 1 to 0. In the published code that is a
    standard deviation; the form `paper` reads it as a variance.

    Args:
        time: Share of the steps taken, 0..1.
        sigma: The root mean square distance of w to its mean.
        form: Which reading.
    """
    strength = W_NOISE_SCALE * sigma * max(0.0, 1 - time / W_NOISE_END) ** 2
    return strength if form == "code" else math.sqrt(strength)


ADAM_BETA1, ADAM_BETA2, ADAM_EPSILON = 0.9, 0.999, 1e-8


def adam_step(
    rows: Tensor,
    gradient: Tensor,
    exp_avg: Tensor,
    exp_avg_sq: Tensor,
    *,
    step: int,
    learning_rate: float,
) -> tuple[Tensor, Tensor, Tensor]:
    """One step of Adam with the usual constants.

    Args:
        rows: The variables, `(N, P)`.
        gradient: Of the loss, `(N, P)`.
        exp_avg: Running mean of gradients, `(N, P)`, 0 at the start.
        exp_avg_sq: Running mean of their squares, likewise.
        step: Number of this step, from 1.
        learning_rate: Learning rate.

    Returns:
        Rows and running means after the step.
    """
    exp_avg = ADAM_BETA1 * exp_avg + (1 - ADAM_BETA1) * gradient
    exp_avg_sq = ADAM_BETA2 * exp_avg_sq + (1 - ADAM_BETA2) * gradient.square()
    scale = exp_avg_sq.sqrt() / math.sqrt(1 - ADAM_BETA2**step) + ADAM_EPSILON
    return rows - learning_rate / (1 - ADAM_BETA1**step) * exp_avg / scale, exp_avg, exp_avg_sq


@dataclass(frozen=True)
class ProjectionState:
    """Variables of several images at one step; every tensor has one entry for each image."""

    step: int
    """Steps taken."""
    rows: Tensor
    """The variables, `(N, P)`."""
    first: Tensor
    second: Tensor
    """Adam's running means, `(N, P)` each."""
    distances: Tensor
    """Distance of the image without noise on w at each evaluation, `(N, K)`."""
    regularizers: Tensor
    """Noise regularizer at the same evaluations, `(N, K)`; weighted as in the loss."""
    path: Tensor
    """w at the same evaluations, `(N, K, layers, D)`."""

    @classmethod
    def initial(cls, row: Tensor, count: int, *, w_shape: tuple[int, int]) -> "ProjectionState":
        """The first state of `count` images, all at the same `row`, `(1, P)`."""
        rows = row.repeat(count, 1)
        none = row.new_zeros(count, 0)
        path = row.new_zeros(count, 0, *w_shape)
        moments = torch.zeros_like(rows)
        return cls(0, rows, moments, moments, none, none, path)

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def evaluations(self) -> int:
        """K, the number of evaluations."""
        return self.distances.shape[1]

    def select(self, index: list[int]) -> "ProjectionState":
        """Some of the images."""
        return ProjectionState(self.step, **{k: t[index] for k, t in self._tensors().items()})

    def with_evaluation(
        self, distances: Tensor, regularizers: Tensor, w: Tensor
    ) -> "ProjectionState":
        """The state with one more evaluation of all images: `(N,)`, `(N,)` and `(N, layers, D)`."""
        added = {"distances": distances, "regularizers": regularizers, "path": w}
        old = self._tensors()
        new = {key: torch.cat([old[key], value[:, None]], dim=1) for key, value in added.items()}
        return ProjectionState(self.step, **(old | new))

    def _tensors(self) -> dict[str, Tensor]:
        return {field.name: getattr(self, field.name) for field in fields(self)[1:]}


def cat_states(states: Sequence[ProjectionState]) -> ProjectionState:
    """The images of several states of the same step."""
    parts = [state._tensors() for state in states]
    tensors = {name: torch.cat([part[name] for part in parts]) for name in parts[0]}
    return ProjectionState(states[0].step, **tensors)


def save_state(path: Path, state: ProjectionState, made_by: Mapping[str, Any]) -> None:
    """Write the state of one image; `made_by` is all that decides its result.

    Raises:
        OutputError: If the file cannot be written.
    """
    header = {"projection": dict(made_by), "step": state.step}
    write_tensor_file(path, state._tensors(), header, kind="projection")


def read_state(path: Path, *, device: torch.device) -> tuple[ProjectionState, dict[str, Any]]:
    """A state and what decides its result.

    Raises:
        ModelError: If the file is damaged, or no such state.
    """
    tensors, header = read_tensor_file(path, kind="projection")
    try:
        state = ProjectionState(
            int(header["step"]), **{name: t.to(device) for name, t in tensors.items()}
        )
        return state, dict(header["projection"])
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise ModelError(f"{path}: damaged ({error}). Remove it to start anew.") from None


class LatentOptimizer:
    """Optimizes the codes of a batch of images; each image is optimized independently.

    Random numbers are those of (seed, step), the same for every image. All is computed in fp32.
    """

    def __init__(
        self,
        generator: Generator,
        distance: ImageDistance,
        settings: ProjectionSettings,
        *,
        statistics: WStatistics | None = None,
    ):
        """Raises UsageError if the class of the settings does not fit the network."""
        self.generator, self.distance, self.settings = generator, distance, settings
        self.statistics = statistics or w_statistics(generator, settings.label)
        self.variables = ProjectionVariables.for_generator(generator, settings)
        self.keys = RandomKeys(settings.seed)
        self.device = self.statistics.mean.device

    def initial_state(self, count: int) -> ProjectionState:
        """The state of `count` images before their first step."""
        row = self.variables.initial_row(self.statistics.mean, self.keys)
        shape = (self.variables.w_count, self.variables.w_dim)
        return ProjectionState.initial(row, count, w_shape=shape)

    @torch.no_grad()
    def embed(self, targets: Tensor) -> Tensor:
        """Images `(N, C, H, W)`, -1..1, in the embedding of the distance, `(N, E)`."""
        return self.distance.embed(targets.to(self.device))

    def step(self, state: ProjectionState, target_features: Tensor) -> ProjectionState:
        """One step towards embedded targets `(N, E)`."""
        settings, time = self.settings, state.step / self.settings.steps
        rows = state.rows.detach().requires_grad_()
        distances, noise_terms = self._losses(rows, target_features, self._w_noise(state.step))
        (gradient,) = torch.autograd.grad((distances + noise_terms).sum(), rows)
        rows, first, second = adam_step(
            rows.detach(),
            gradient,
            state.first,
            state.second,
            step=state.step + 1,
            learning_rate=settings.learning_rate * learning_rate_factor(time),
        )
        rows = self.variables.normalize_noise(rows)
        return replace(state, step=state.step + 1, rows=rows, first=first, second=second)

    def evaluation_due(self, state: ProjectionState) -> bool:
        """Whether an evaluation is due: at the start, at intervals, and at the end."""
        steps, interval = self.settings.steps, self.settings.evaluation_interval
        wanted = 1 + state.step // interval + (state.step == steps and steps % interval > 0)
        return state.evaluations < wanted

    @torch.no_grad()
    def evaluate(self, state: ProjectionState, target_features: Tensor) -> ProjectionState:
        """Record the terms of the loss without noise on w."""
        distances, noise_terms = self._losses(state.rows, target_features)
        return state.with_evaluation(distances, noise_terms, self.variables.w(state.rows))

    def finished(self, state: ProjectionState) -> list[bool]:
        """For each image, whether it needs no more steps by the last evaluation."""
        limit = self.settings.stop_at
        if state.step >= self.settings.steps:
            return [True] * len(state)
        if limit is None:  # the distances lie on the GPU, and asking for them waits for it
            return [False] * len(state)
        return [value <= limit for value in state.distances[:, -1].tolist()]

    def _losses(
        self, rows: Tensor, target_features: Tensor, w_noise: Tensor | float = 0.0
    ) -> tuple[Tensor, Tensor]:
        """Both terms of the loss, the distance and the weighted regularizer, `(N,)` each."""
        variables, settings = self.variables, self.settings
        ws = variables.broadcast(variables.w(rows) + w_noise)
        images = self.generator.draw(ws, variables.noise_maps(rows))
        distances = (self.distance.embed(images) - target_features).square().sum(dim=1)
        if not (maps := variables.optimized_noise(rows)):
            return distances, rows.new_zeros(len(rows))
        return distances, settings.noise_weight * noise_regularizer(maps, settings.form)

    def _w_noise(self, step: int) -> Tensor:
        """Noise that is added to every w at this step, `(1, layers, D)`."""
        time = step / self.settings.steps
        std = w_noise_std(time, self.statistics.sigma, self.settings.form)
        if std == 0:
            return self.statistics.mean.new_zeros(1, 1, 1)
        noise = self.keys.normal(self.variables.w_size, "noise on w", step).to(self.device)
        return std * self.variables.w(noise[None])


def open_optimizer(
    generator: Generator, settings: ProjectionSettings, distance: str | None
) -> tuple[LatentOptimizer, str]:
    """An optimizer by the distance of a name, or by the best one available.

    Returns:
        The optimizer, and a line that says why its distance isn't LPIPS; empty if it is or was
        named.

    Raises:
        UsageError: If the class or the distance does not fit the network.
        ModelError: If the weights of the distance are missing or damaged.
    """
    device = generator.mapping.w_avg.device
    chosen, reason = choose_distance(distance, generator.image_size, device)
    return LatentOptimizer(generator, chosen, settings), reason
