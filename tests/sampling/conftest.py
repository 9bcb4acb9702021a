"""Pipelines of tiny generators: 16x16, six layers, noise that shows."""

from collections.abc import Callable

import pytest

from stylesmith.sampling import SamplingPipeline, SamplingSettings


@pytest.fixture
def make_pipeline(tiny_generator) -> Callable[..., SamplingPipeline]:
    """`make_pipeline(label_size=2, settings={"psi": 0})`: other keywords go to the network."""

    def build(*, settings: dict | None = None, **fields) -> SamplingPipeline:
        generator = tiny_generator(**fields).requires_grad_(False)
        generator.mapping.w_avg.normal_()  # a new network's mean, zero, would hide mistakes
        return SamplingPipeline(
            generator, SamplingSettings(**({"precision": "fp32"} | (settings or {})))
        )

    return build


@pytest.fixture
def with_settings() -> Callable[..., SamplingPipeline]:
    """`with_settings(pipeline, psi=0)`: the same generator with other settings."""

    def build(pipeline: SamplingPipeline, **settings) -> SamplingPipeline:
        return SamplingPipeline(
            pipeline.generator, SamplingSettings(**({"precision": "fp32"} | settings))
        )

    return build
