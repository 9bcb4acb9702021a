"""The search itself: steps down the distance, for a batch of pictures (StyleGAN2, appendix D)."""

from dataclasses import replace

import torch
from torch import Tensor

from stylesmith.inversion.adam import adam_step
from stylesmith.inversion.noise_regularizer import noise_regularizer
from stylesmith.inversion.schedule import learning_rate, w_noise
from stylesmith.inversion.settings import ProjectionSettings
from stylesmith.inversion.state import State
from stylesmith.inversion.unknowns import Unknowns
from stylesmith.inversion.w_statistics import WStatistics, w_statistics
from stylesmith.latents import RandomKeys
from stylesmith.networks import Generator
from stylesmith.networks.synthesis import NoiseMaps
from stylesmith.perception.extractor import Distance


class Search:
    """Looks for the codes of pictures, each by itself: what else is in the batch has no say.

    Random numbers are those of (seed, step), the same for every picture. All is computed in fp32.
    """

    def __init__(
        self,
        generator: Generator,
        distance: Distance,
        settings: ProjectionSettings,
        *,
        statistics: WStatistics | None = None,
    ):
        """Raises UsageError if the class of the settings does not fit the network."""
        self.generator, self.distance, self.settings = generator, distance, settings
        self.statistics = statistics or w_statistics(generator, settings.label)
        self.unknowns = Unknowns.of(generator, settings)
        self.keys = RandomKeys(settings.seed)
        self.device = self.statistics.mean.device

    def start(self, count: int) -> State:
        """So many pictures before their first step."""
        row = self.unknowns.start(self.statistics.mean, self.keys)
        shape = (self.unknowns.layers, self.unknowns.w_dim)
        return State.start(row, count, w_shape=shape)

    @torch.no_grad()
    def embed(self, targets: Tensor) -> Tensor:
        """Pictures `(N, C, H, W)`, -1..1, as the distance sees them, `(N, E)`."""
        return self.distance.embed(targets.to(self.device))

    def advance(self, state: State, wanted: Tensor) -> State:
        """One step towards embedded targets `(N, E)`."""
        settings, time = self.settings, state.step / self.settings.steps
        rows = state.rows.detach().requires_grad_()
        w = self.unknowns.w(rows) + self._exploration(state.step)
        loss = self._distances(w, self.unknowns.noise(rows), wanted) + self._regularizers(rows)
        (gradient,) = torch.autograd.grad(loss.sum(), rows)
        rows, first, second = adam_step(
            rows.detach(),
            gradient,
            state.first,
            state.second,
            step=state.step + 1,
            rate=settings.learning_rate * learning_rate(time),
        )
        rows = self.unknowns.renormalized(rows)
        return replace(state, step=state.step + 1, rows=rows, first=first, second=second)

    def due(self, state: State) -> bool:
        """Whether it is time for a look: at the start, at intervals, and at the end."""
        steps, interval = self.settings.steps, self.settings.interval
        wanted = 1 + state.step // interval + (state.step == steps and steps % interval > 0)
        return state.looks < wanted

    @torch.no_grad()
    def look(self, state: State, wanted: Tensor) -> State:
        """Note how far the images are, without noise on w."""
        w = self.unknowns.w(state.rows)
        distances = self._distances(w, self.unknowns.noise(state.rows), wanted)
        return state.looked(distances, self._regularizers(state.rows), w)

    def done(self, state: State) -> list[bool]:
        """Which pictures need no more steps, by the last look."""
        limit = self.settings.stop_at
        if state.step >= self.settings.steps:
            return [True] * len(state)
        return [limit is not None and value <= limit for value in state.distances[:, -1].tolist()]

    def _distances(self, w: Tensor, noise: NoiseMaps, wanted: Tensor) -> Tensor:
        images = self.generator.draw(self.unknowns.styles(w), noise)
        return (self.distance.embed(images) - wanted).square().sum(dim=1)

    def _regularizers(self, rows: Tensor) -> Tensor:
        maps = self.unknowns.maps(rows)
        if not maps:
            return rows.new_zeros(len(rows))
        return self.settings.noise_weight * noise_regularizer(maps, self.settings.form)

    def _exploration(self, step: int) -> Tensor:
        """What is added to every w at this step, `(1, layers, D)`."""
        time = step / self.settings.steps
        deviation = w_noise(time, self.statistics.spread, self.settings.form)
        size = self.unknowns.w_size
        if deviation == 0:
            return self.statistics.mean.new_zeros(1, 1, 1)
        noise = self.keys.normal(size, "noise on w", step).to(self.device)
        return deviation * noise.reshape(1, self.unknowns.layers, self.unknowns.w_dim)
