"""Boundary files: the weights of a linear classifier of w, as numpy writes arrays."""

import zipfile
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from stylesmith.errors import DataError

BOUNDARY_ARRAY_NAMES = ("coef", "coef_", "normal", "boundary")
"""Arrays of an .npz that can be the weights; the first that is there counts."""


def read_boundary(path: Path) -> Tensor:
    """Weights `(D,)` or `(1, D)` from a .npy file, or from an .npz that calls them `coef`.

    Nothing in the file is run.

    Raises:
        DataError: If the file is missing, damaged, or holds no numbers by such a name.
    """
    try:
        found = np.load(path, allow_pickle=False)
        if isinstance(found, np.lib.npyio.NpzFile):
            with found:
                name = next((name for name in BOUNDARY_ARRAY_NAMES if name in found.files), None)
                if name is None:
                    there = ", ".join(found.files) or "nothing"
                    raise DataError(
                        f"{path}: holds {there}; wanted an array named {BOUNDARY_ARRAY_NAMES[0]}"
                    )
                found = found[name]
        return torch.from_numpy(np.asarray(found, dtype=np.float64))
    except FileNotFoundError:
        raise DataError(f"{path}: no such file; wanted the weights of a classifier") from None
    except (OSError, ValueError, EOFError, TypeError, zipfile.BadZipFile) as error:
        raise DataError(f"{path}: not a numpy file of numbers ({error})") from None
