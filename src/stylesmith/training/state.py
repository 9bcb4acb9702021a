"""Everything that a run carries from step to step, and nothing else."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from stylesmith.config import RunConfig, TrainingConfig, at_level
from stylesmith.networks import Discriminator, Generator, build_discriminator, build_generator


@dataclass
class Counters:
    """Counters, all of them saved."""

    images_seen: int = 0
    """Real images shown to the discriminator; drives every schedule."""
    steps: int = 0
    """Steps of the optimizers; drives lazy intervals and random keys."""
    dropped: int = 0
    """Steps whose gradients were not finite."""
    dropped_in_row: int = 0
    """How many of them came one after the other."""
    rollbacks: int = 0
    """Times the run went back to a checkpoint; a branch of the random keys."""
    schedule_read: int = 0
    """Images that had been seen when the schedule was last read."""
    seconds: float = 0.0
    """Training time over all sessions."""


@dataclass
class TrainState:
    """Networks, optimizers, running means and clocks."""

    generator: Generator
    discriminator: Discriminator
    ema: Generator
    generator_optimizer: torch.optim.Adam
    discriminator_optimizer: torch.optim.Adam
    path_mean: Tensor
    counters: Counters = field(default_factory=Counters)

    @classmethod
    def create(cls, config: RunConfig, device: torch.device) -> "TrainState":
        """A fresh start; the same seed gives the same weights on every device and process."""
        seed, training = config.training.seed, config.training
        top, devices = config.generator.levels - 1, training.reference_devices
        generator = build_generator(config.generator, seed=seed).to(device)
        discriminator = build_discriminator(config.discriminator, seed=seed + 1).to(device)
        ema = build_generator(config.generator, seed=seed).to(device).requires_grad_(False)
        return cls(
            generator=generator,
            discriminator=discriminator,
            ema=ema,
            generator_optimizer=lazy_adam(
                generator,
                training,
                lr=at_level(training.generator_lr, top, devices),
                interval=training.path_interval if training.path_weight else None,
            ),
            discriminator_optimizer=lazy_adam(
                discriminator,
                training,
                lr=at_level(training.discriminator_lr, top, devices),
                interval=training.r1_interval if training.r1_gamma else None,
            ),
            path_mean=torch.zeros((), device=device),
        )

    def set_learning_rates(self, generator_lr: float, discriminator_lr: float) -> None:
        """Set both learning rates, before the correction for lazy regularization."""
        (generator_group,) = self.generator_optimizer.param_groups
        (discriminator_group,) = self.discriminator_optimizer.param_groups
        generator_group["lr"] = generator_lr * generator_group["lazy_factor"]
        discriminator_group["lr"] = discriminator_lr * discriminator_group["lazy_factor"]

    def reset_optimizers(self) -> None:
        """Forget all moments, as when a level enters (ProGAN's published behavior)."""
        for optimizer in (self.generator_optimizer, self.discriminator_optimizer):
            for moments in optimizer.state.values():
                for tensor in moments.values():
                    tensor.zero_()

    def step_tensors(self) -> Iterator[tuple[str, Tensor]]:
        """What a training step changes before it is known to be finite: all but the average."""
        networks = (
            ("generator", self.generator, self.generator_optimizer),
            ("discriminator", self.discriminator, self.discriminator_optimizer),
        )
        for name, network, optimizer in networks:
            yield from add_prefix(name, network.state_dict(keep_vars=True))
            for key, parameter in network.named_parameters():
                moments = optimizer.state[parameter]
                yield from add_prefix(f"{name}_optimizer.{key}", moments)
        yield "path_mean", self.path_mean

    def tensors(self) -> dict[str, Tensor]:
        """All tensors by name; with the clocks, the whole state."""
        return dict(self.step_tensors()) | dict(add_prefix("ema", self.ema.state_dict()))


def lazy_adam(
    network: nn.Module, config: TrainingConfig, *, lr: float, interval: int | None
) -> torch.optim.Adam:
    """Adam corrected for a regularization that takes its own step every `interval` steps.

    With k + 1 updates in place of k, rate and decays become lr * c and beta ** c, c = k / (k + 1)
    (StyleGAN2, appendix B). A penalty of every step shares the step of the loss, and nothing
    changes. All moments exist from the start, so that they can be saved.
    """
    c = 1.0 if interval is None or interval == 1 else interval / (interval + 1)
    parameters = list(network.parameters())
    device = parameters[0].device
    optimizer = torch.optim.Adam(
        [{"params": parameters, "lazy_factor": c}],
        lr=lr * c,
        betas=(config.beta1**c if config.beta1 else 0.0, config.beta2**c),
        eps=1e-8,
        fused=device.type in ("cpu", "cuda"),
    )
    fresh = {
        i: {
            "step": torch.zeros((), dtype=torch.float32, device=device),
            "exp_avg": torch.zeros_like(p),
            "exp_avg_sq": torch.zeros_like(p),
        }
        for i, p in enumerate(parameters)
    }
    groups = optimizer.state_dict()["param_groups"]
    optimizer.load_state_dict({"state": fresh, "param_groups": groups})
    return optimizer


def add_prefix(prefix: str, tensors: dict[str, Tensor]) -> Iterator[tuple[str, Tensor]]:
    """The same tensors under longer names."""
    for name, tensor in tensors.items():
        yield f"{prefix}.{name}", tensor
