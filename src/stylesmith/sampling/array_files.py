"""Numpy files of other programs as sources of images: seeds, z or w in `.npy` and `.npz`."""

import zipfile
from pathlib import Path

import numpy as np
import torch

from stylesmith.errors import DataError, UsageError
from stylesmith.networks.latent_codes import SavedLatent, SeedOrLatent
from stylesmith.networks.sample_inputs import check_latents, check_seeds
from stylesmith.networks.sampling_pipeline import SamplingPipeline

ARRAY_FILE_SUFFIXES = (".npy", ".npz")
SOURCE_ARRAY_NAMES = ("ws", "w", "z", "seeds")
"""What an .npz may call its array; the first that is there counts.

StyleGAN2-ADA's projector writes `w`, `(1, num_ws, D)`."""
MAX_ARRAY_BYTES = 2**30
"""Unpacked size of a file; a compressed one of a few kilobytes could claim any."""


def read_array_sources(path: Path, pipeline: SamplingPipeline) -> list[SeedOrLatent]:
    """Sources of all images that a numpy file describes.

    Whole numbers are seeds. Other numbers are w, unless an .npz calls them `z`; z is truncated and
    takes the class as seeds do, w is drawn as it is. The noise is the network's own.

    Args:
        path: A .npy or .npz file. w has the shape `(D,)`, `(N, D)` or `(N, num_ws, D)`, z
            `(z_dim,)` or `(N, z_dim)`.
        pipeline: What draws them.

    Raises:
        DataError: If the file is missing, damaged, too large, or holds no such array.
    """
    name, array = read_array(path, SOURCE_ARRAY_NAMES)
    try:
        if name == "seeds" or (name is None and np.issubdtype(array.dtype, np.integer)):
            return [*check_seeds(array.reshape(-1).tolist())]
        ws = _styles(name or "w", array, pipeline)
    except UsageError as error:
        raise DataError(f"{path}: {error}") from None
    fixed = pipeline.generator.synthesis.fixed_noise
    maps: list[torch.Tensor | None] = [noise.cpu() for noise in fixed]
    stems = [path.stem] if len(ws) == 1 else [f"{path.stem}-{i:04d}" for i in range(len(ws))]
    return [
        SavedLatent(path.with_name(stem + path.suffix), row, maps, pipeline.model_hash)
        for stem, row in zip(stems, ws.cpu(), strict=True)
    ]


def _styles(name: str, array: np.ndarray, pipeline: SamplingPipeline) -> torch.Tensor:
    """One w per layer, `(N, num_ws, D)`."""
    config = pipeline.config
    if name == "z":
        return pipeline.map_z(check_latents("z", array, [(config.mapping.z_dim,)]))
    of_layers = (config.num_ws, config.w_dim)
    if array.shape == of_layers and config.num_ws > 1:
        if name != "ws":
            raise UsageError(
                f"{name}: the shape {of_layers} is one image by layer or {config.num_ws} images; "
                f"save it as {(1, *of_layers)} or {(config.num_ws, 1, config.w_dim)}"
            )
        array = array[None]
    rows = check_latents(name, array, [(config.w_dim,), (1, config.w_dim), of_layers])
    rows = rows.reshape(len(rows), -1, config.w_dim)
    return rows.expand(-1, config.num_ws, -1)


def read_array(path: Path, names: tuple[str, ...]) -> tuple[str | None, np.ndarray]:
    """An array of numbers and its name, which is None in a .npy. Nothing in the file is run.

    Args:
        path: A .npy file, or an .npz with at least one of the names.
        names: What an .npz may call the array.

    Raises:
        DataError: If the file is missing, damaged, too large, or holds no such array.
    """
    try:
        size = path.stat().st_size
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive:
                size = sum(entry.file_size for entry in archive.infolist())
        if size > MAX_ARRAY_BYTES:
            raise DataError(f"{path}: holds {size} bytes, more than {MAX_ARRAY_BYTES}; split it.")
        with path.open("rb") as file:
            found = np.load(file, allow_pickle=False)
            if not isinstance(found, np.lib.npyio.NpzFile):
                return None, _numbers(path, found)
            name = next((name for name in names if name in found.files), None)
            if name is None:
                there = ", ".join(found.files[:20]) or "nothing"
                wanted = f"wanted an array named {', '.join(names)}"
                raise DataError(f"{path}: holds {there}; {wanted}.")
            return name, _numbers(path, found[name])
    except FileNotFoundError:
        raise DataError(f"{path}: no such file.") from None
    except DataError:
        raise
    except Exception as error:  # numpy and zipfile raise almost anything on damaged files
        raise DataError(f"{path}: not a numpy file of numbers ({error}).") from None


def _numbers(path: Path, array: np.ndarray) -> np.ndarray:
    if array.dtype.kind not in "iuf":
        raise DataError(f"{path}: not a numpy file of numbers (it holds {array.dtype}).")
    return array
