"""The search itself: steps down the distance, for a batch of pictures (StyleGAN2, appendix D)."""

from dataclasses import replace

import torch
from torch import Tensor

from stylesmith.inversion.adam import adam_step
from stylesmith.inversion.noise_regularizer import noise_regularizer
from stylesmith.inversion.schedule import learning_rate_factor, w_noise_std
from stylesmith.inversion.settings import ProjectionSettings
from stylesmith.inversion.state import ProjectionState
from stylesmith.inversion.unknowns import ProjectionVariables
from stylesmith.inversion.w_statistics import WStatistics, w_statistics
from stylesmith.latents import RandomKeys
from stylesmith.networks import Generator
from stylesmith.networks.synthesis import NoiseMaps
from stylesmith.perception.extractor import ImageDistance


class LatentOptimizer:
    """Looks for the codes of pictures, each by itself: what else is in the batch has no say.

    Random numbers are those of (seed, step), the same for every picture. All is computed in fp32.
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
        """So many pictures before their first step."""
        row = self.variables.initial_row(self.statistics.mean, self.keys)
        shape = (self.variables.w_count, self.variables.w_dim)
        return ProjectionState.initial(row, count, w_shape=shape)

    @torch.no_grad()
    def embed(self, targets: Tensor) -> Tensor:
        """Pictures `(N, C, H, W)`, -1..1, as the distance sees them, `(N, E)`."""
        return self.distance.embed(targets.to(self.device))

    def step(self, state: ProjectionState, target_features: Tensor) -> ProjectionState:
        """One step towards embedded targets `(N, E)`."""
        settings, time = self.settings, state.step / self.settings.steps
        rows = state.rows.detach().requires_grad_()
        w = self.variables.w(rows) + self._w_noise(state.step)
        loss = self._distances(
            w, self.variables.noise_maps(rows), target_features
        ) + self._noise_terms(rows)
        (gradient,) = torch.autograd.grad(loss.sum(), rows)
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
        """Whether it is time for a look: at the start, at intervals, and at the end."""
        steps, interval = self.settings.steps, self.settings.evaluation_interval
        wanted = 1 + state.step // interval + (state.step == steps and steps % interval > 0)
        return state.evaluations < wanted

    @torch.no_grad()
    def evaluate(self, state: ProjectionState, target_features: Tensor) -> ProjectionState:
        """Note how far the images are, without noise on w."""
        w = self.variables.w(state.rows)
        distances = self._distances(w, self.variables.noise_maps(state.rows), target_features)
        return state.with_evaluation(distances, self._noise_terms(state.rows), w)

    def finished(self, state: ProjectionState) -> list[bool]:
        """Which pictures need no more steps, by the last look."""
        limit = self.settings.stop_at
        if state.step >= self.settings.steps:
            return [True] * len(state)
        return [limit is not None and value <= limit for value in state.distances[:, -1].tolist()]

    def _distances(self, w: Tensor, noise: NoiseMaps, target_features: Tensor) -> Tensor:
        images = self.generator.draw(self.variables.broadcast(w), noise)
        return (self.distance.embed(images) - target_features).square().sum(dim=1)

    def _noise_terms(self, rows: Tensor) -> Tensor:
        maps = self.variables.optimized_noise(rows)
        if not maps:
            return rows.new_zeros(len(rows))
        return self.settings.noise_weight * noise_regularizer(maps, self.settings.form)

    def _w_noise(self, step: int) -> Tensor:
        """What is added to every w at this step, `(1, layers, D)`."""
        time = step / self.settings.steps
        deviation = w_noise_std(time, self.statistics.sigma, self.settings.form)
        size = self.variables.w_size
        if deviation == 0:
            return self.statistics.mean.new_zeros(1, 1, 1)
        noise = self.keys.normal(size, "noise on w", step).to(self.device)
        return deviation * noise.reshape(1, self.variables.w_count, self.variables.w_dim)
