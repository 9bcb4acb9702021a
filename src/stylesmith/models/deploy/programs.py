"""What is exported: functions of a trained generator, as modules that `torch.export` can follow.

They take a batch of any size and compute in fp32 at the levels trained so far. The reference of a
program is what this package draws of the same inputs, which a written file has to agree with.
"""

import logging
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.export import Dim, ExportedProgram

from stylesmith.choices import NoiseInput, check_choices
from stylesmith.latents import latents_from_seeds
from stylesmith.networks import Generator
from stylesmith.networks.latent_functions import broadcast, truncate
from stylesmith.networks.synthesis import NoiseMaps

ProgramInputs = tuple[Tensor, ...]
EXAMPLE_PSI = 0.7
"""Truncation of the examples: neither of the ends where it is the identity or the mean."""


@dataclass(frozen=True)
class ExportableProgram:
    """A function of named tensors, which all but psi have one row per image."""

    module: nn.Module
    inputs: tuple[str, ...]
    output: str
    example_inputs: Callable[[int], ProgramInputs]
    """Inputs of so many images."""
    reference: Callable[[ProgramInputs], Tensor]
    """What this package computes of inputs."""


class MappingModule(nn.Module):
    """z, psi and a label (of conditional networks) to truncated styles, `(N, num_ws, D)`."""

    def __init__(self, generator: Generator):
        super().__init__()
        self.mapping, self.num_ws = generator.mapping, generator.config.num_ws

    def forward(self, *inputs: Tensor) -> Tensor:
        """`map` of the generator, with psi a tensor `()`."""
        z, psi, *label = inputs
        return broadcast(truncate(self.mapping(z, *label), self.mapping.w_avg, psi), self.num_ws)


class SynthesisModule(nn.Module):
    """Styles `(N, num_ws, D)`, and noise maps `(N, 1, H, W)` where they are inputs, to images."""

    def __init__(self, generator: Generator, noise: NoiseInput):
        super().__init__()
        self.synthesis, self.growth = generator.synthesis, generator.growth
        self.own = None if noise == "inputs" else generator.noise_maps([], noise)

    def forward(self, *inputs: Tensor) -> Tensor:
        """`draw` of the generator, clipped to -1..1 as `sample` does."""
        ws, *noise = inputs
        maps: NoiseMaps = noise if self.own is None else self.own
        images: Tensor = self.synthesis(ws, maps, growth=self.growth)
        return images.clamp(-1, 1)


class ImageModule(nn.Module):
    """z, psi, a label (of conditional networks), and noise where it is an input, to images."""

    def __init__(self, mapping: ExportableProgram, synthesis: ExportableProgram):
        super().__init__()
        self.mapping, self.synthesis = mapping.module, synthesis.module
        self.mapping_inputs = len(mapping.inputs)

    def forward(self, *inputs: Tensor) -> Tensor:
        """The inputs of mapping, then those of synthesis without w."""
        ws = self.mapping(*inputs[: self.mapping_inputs])
        images: Tensor = self.synthesis(ws, *inputs[self.mapping_inputs :])
        return images


def mapping_program(generator: Generator) -> ExportableProgram:
    """From z to truncated styles, one w for each layer, `(N, num_ws, D)`."""

    def reference(inputs: ProgramInputs) -> Tensor:
        z, psi, *label = inputs
        return generator.map(z, *label, psi=float(psi))

    names = ("z", "psi", "label") if generator.config.label_size else ("z", "psi")
    return ExportableProgram(
        MappingModule(generator), names, "w", lambda n: example_latents(generator, n), reference
    )


@check_choices
def synthesis_program(generator: Generator, noise: NoiseInput = "fixed") -> ExportableProgram:
    """From styles (as `mapping` gives them, or mixed by layer) to images, clipped to -1..1."""
    rows, noise_shapes = generator.config.num_ws, []
    if noise == "inputs":
        noise_shapes = generator.config.noise_shapes_up_to(generator.top_level)

    def example(n: int) -> ProgramInputs:
        (z, _, *label) = example_latents(generator, n * rows)
        ws = generator.mapping(z, *label).unflatten(0, (n, rows))  # another w for every layer
        numbers = torch.Generator().manual_seed(n)  # maps that differ from image to image
        return (ws, *(torch.randn(n, 1, *shape, generator=numbers) for shape in noise_shapes))

    def reference(inputs: ProgramInputs) -> Tensor:
        ws, *maps = inputs
        own = maps if noise == "inputs" else generator.noise_maps([], noise)
        return generator.draw(ws, own).clamp(-1, 1)

    names = ("w", *(f"noise_{i}" for i in range(len(noise_shapes))))
    return ExportableProgram(SynthesisModule(generator, noise), names, "images", example, reference)


@check_choices
def image_program(generator: Generator, noise: NoiseInput = "fixed") -> ExportableProgram:
    """From z to images `(N, C, H, W)`, fp32, clipped to -1..1: mapping, then synthesis."""
    mapping, synthesis = mapping_program(generator), synthesis_program(generator, noise)
    count = len(mapping.inputs)
    return ExportableProgram(
        ImageModule(mapping, synthesis),
        (*mapping.inputs, *synthesis.inputs[1:]),
        synthesis.output,
        lambda n: (*mapping.example_inputs(n), *synthesis.example_inputs(n)[1:]),
        lambda inputs: synthesis.reference((mapping.reference(inputs[:count]), *inputs[count:])),
    )


def trace(program: ExportableProgram) -> ExportedProgram:
    """The program as a graph of tensor operations, for any number of images.

    Gradients are switched on, though nothing wants them: without, `ops.linear` would cut rows into
    blocks, whose number is not known here.
    """
    inputs = program.example_inputs(2)
    batch = Dim("batch")
    shapes = tuple({0: batch} if value.ndim else None for value in inputs)
    with torch.enable_grad(), quiet_exporters():
        return torch.export.export(
            program.module.eval(), inputs, dynamic_shapes=(shapes,), strict=False
        )


@contextmanager
def quiet_exporters() -> Iterator[None]:
    """Without what torch's exporters say of themselves; the results are checked."""
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)


def example_latents(generator: Generator, n: int) -> ProgramInputs:
    """Latents of the first seeds, psi, and classes in turn where there are any."""
    config = generator.config
    z, psi = latents_from_seeds(range(n), config.mapping.z_dim), torch.tensor(EXAMPLE_PSI)
    if not config.label_size:
        return z, psi
    return z, psi, torch.eye(config.label_size)[torch.arange(n) % config.label_size]
