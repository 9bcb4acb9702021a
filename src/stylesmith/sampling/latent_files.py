"""Latent files: the codes of one image, for the generator that they belong to."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from stylesmith.choices import PrecisionName
from stylesmith.config import GeneratorConfig
from stylesmith.errors import DataError, UsageError
from stylesmith.networks import Generator
from stylesmith.networks.build import model_hash
from stylesmith.networks.latent_codes import LatentCodes, SavedLatent, SeedOrLatent
from stylesmith.networks.sample_inputs import check_latents, check_noise_maps
from stylesmith.networks.sampling_pipeline import SamplingPipeline
from stylesmith.networks.synthesis import NoiseMaps
from stylesmith.sampling.array_files import ARRAY_FILE_SUFFIXES, read_array_sources
from stylesmith.tensor_file import TENSOR_FILE_SUFFIX, read_tensor_file, write_tensor_file

DTYPE_OPTIONS: dict[str, PrecisionName] = {"bfloat16": "bf16", "float16": "fp16"}
"""The precision that draws in a dtype, of those that `auto` is not."""


def image_stem(source: SeedOrLatent) -> str:
    """The file name of its image without suffix: `seed0003`, or that of the latent file."""
    return f"seed{source:04d}" if isinstance(source, int) else source.path.stem


def write_latent_file(
    path: Path, codes: LatentCodes, *, model: str, settings: Mapping[str, Any]
) -> None:
    """Write the codes of one image as a latent file.

    Args:
        path: Ends in .safetensors.
        codes: Styles and noise of one image; maps that are None stay so.
        model: Hash of the generator.
        settings: What the image was made by; anything JSON can hold.

    Raises:
        OutputError: If the file cannot be written.
    """
    maps = {f"noise_{i}": map_[:1] for i, map_ in enumerate(codes.noise) if map_ is not None}
    header = {"model": model, "settings": dict(settings), "noise_inputs": len(codes.noise)}
    write_tensor_file(path, {"w": codes.ws[0], **maps}, header, kind="latent")


def read_latent_file(path: Path, config: GeneratorConfig, *, model: str) -> SavedLatent:
    """Read a latent file.

    Args:
        path: The file.
        config: Of the generator that it should be drawn by.
        model: Its hash.

    Raises:
        DataError: If the file is missing, damaged, or belongs to another generator.
    """
    tensors, header = read_tensor_file(path, kind="latent", error=DataError)
    check_model_hash(path, str(header.get("model")), model)
    noise = [tensors.get(f"noise_{i}") for i in range(len(config.noise_shapes))]
    wanted: list[tuple[int, ...]] = [(config.num_ws, config.w_dim)]
    wanted += [(1, 1, *shape) for shape in config.noise_shapes]
    for tensor, shape in zip([tensors.get("w"), *noise], wanted, strict=True):
        if tensor is None:
            continue
        if tensor.shape != shape or tensor.dtype != torch.float32:
            raise DataError(f"{path}: damaged: holds {tuple(tensor.shape)}, wanted {shape}.")
        if not tensor.isfinite().all():
            raise DataError(f"{path}: damaged: holds numbers that are not finite.")
    settings = header.get("settings") or {}
    if "w" not in tensors or not isinstance(settings, dict):
        missing = "no w" if "w" not in tensors else "settings that are none"
        raise DataError(f"{path}: damaged: holds {missing}.")
    return SavedLatent(path, tensors["w"], noise, model, settings)


def save_latents(
    path: str | Path,
    generator: Generator,
    w: Any,
    noise: NoiseMaps | None = None,
    *,
    settings: Mapping[str, Any] | None = None,
) -> None:
    """Write a w of your own as a latent file, which every command draws where seeds stand.

    Args:
        path: Ends in .safetensors; an existing file is replaced.
        generator: The network that it belongs to.
        w: A tensor or array, `(D,)`, or one per layer, `(num_ws, D)`.
        noise: One map `(1, 1, H, W)` per noise input; None takes the network's own.
        settings: What the image was made by, for readers; anything JSON can hold.

    Raises:
        UsageError: If `w` or `noise` does not fit the network, or the path has another suffix.
        OutputError: If the file cannot be written.
    """
    path, config = Path(path), generator.config
    if path.suffix.lower() != TENSOR_FILE_SUFFIX:
        raise UsageError(f"{path}: latent files end in {TENSOR_FILE_SUFFIX}")
    rows = check_latents("w", w, [(config.w_dim,)])
    if len(rows) not in (1, config.num_ws):
        found, wanted = tuple(rows.shape), (config.num_ws, config.w_dim)
        raise UsageError(f"w: has the shape {found}, wanted {(config.w_dim,)} or {wanted}")
    maps = generator.synthesis.fixed_noise if noise is None else noise
    codes = LatentCodes(rows.expand(config.num_ws, -1)[None], check_noise_maps(maps, config, 1))
    write_latent_file(path, codes, model=model_hash(generator), settings=settings or {})


def load_latents(path: str | Path, generator: Generator) -> LatentCodes:
    """Read a latent file: `generator.sample(w=codes.ws, noise=codes.noise)` draws its image.

    Args:
        path: As `generate --latents` and `project` write it.
        generator: The network that it belongs to.

    Returns:
        Codes of one image, on the device of the network.

    Raises:
        DataError: If the file is missing, damaged, or belongs to another generator.
    """
    saved = read_latent_file(Path(path), generator.config, model=model_hash(generator))
    device = generator.mapping.w_avg.device
    noise = [None if noise is None else noise.to(device) for noise in saved.noise]
    return LatentCodes(saved.ws[None].to(device), noise)


def precision_note(pipeline: SamplingPipeline, sources: Sequence[SeedOrLatent]) -> str | None:
    """Says which file was drawn in another precision than `auto`, and how to redraw it; else None.

    Version 0.1.0 recorded no dtype, and drew in bf16 on devices that compute it natively. Files
    that `save_latents` wrote were never drawn.
    """
    if pipeline.settings.precision != "auto":
        return None
    for source in sources:
        if not isinstance(source, SavedLatent):
            continue
        made_by = source.settings
        dtype, was_drawn = made_by.get("dtype"), "precision" in made_by or "made_by" in made_by
        if dtype is None and was_drawn:
            return (
                f"{source.path}: is drawn in float32 now; where version 0.1.0 drew it in bfloat16, "
                "--precision bf16 redraws its image to the bit"
            )
        if dtype in DTYPE_OPTIONS:
            return (
                f"{source.path}: was drawn in {dtype}; --precision {DTYPE_OPTIONS[dtype]} redraws "
                "its image to the bit"
            )
    return None


def check_model_hash(path: Path, found: str, wanted: str) -> None:
    """Refuse a file that was made for another generator.

    Raises:
        DataError: If the hashes differ, naming both.
    """
    if found != wanted:
        raise DataError(
            f"{path}: belongs to the model {found}, this one is {wanted}. Use it with its own "
            "model: codes mean nothing to another one."
        )


def load_sources(pipeline: SamplingPipeline, parts: Sequence[int | Path]) -> list[SeedOrLatent]:
    """Sources of seeds and files, which are read: latent files, or arrays as .npy or .npz.

    Raises:
        DataError: If a file is missing, damaged, or does not fit the generator.
    """
    sources: list[SeedOrLatent] = []
    for part in parts:
        if isinstance(part, int):
            sources.append(part)
        elif part.suffix.lower() in ARRAY_FILE_SUFFIXES:
            sources += read_array_sources(part, pipeline)
        else:
            sources.append(read_latent_file(part, pipeline.config, model=pipeline.model_hash))
    return sources
