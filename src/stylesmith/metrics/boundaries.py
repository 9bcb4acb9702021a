"""Which way attributes lie in W: the hyperplanes of separability, for editing.

StyleGAN, section 4.2, fits them to measure; Shen et al. 2020 (InterFaceGAN) move across them.
"""

from collections.abc import Callable

import numpy as np
import torch

from stylesmith.errors import UsageError
from stylesmith.images import to_uint8
from stylesmith.metrics.classifiers import Classifiers
from stylesmith.metrics.protocol import DEFAULT_COUNTS
from stylesmith.metrics.separability import confident_half, fit_hyperplane, require_scikit_learn
from stylesmith.sampling import SamplingPipeline

BATCH_SIZE = 64
DEFAULT_SAMPLES = DEFAULT_COUNTS["small"]["ls"]
"""Images whose attributes are looked at."""

ProgressCallback = Callable[[int, int], None]


def classify_seeds(
    pipeline: SamplingPipeline,
    classifiers: Classifiers,
    count: int = DEFAULT_SAMPLES,
    on_progress: ProgressCallback | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """The w and the attributes of the first seeds.

    Args:
        pipeline: Draws all layers from one w.
        classifiers: What look at the images.
        count: How many seeds.
        on_progress: Told after every batch.

    Returns:
        w, `(count, D)`, and logits, `(count, A)`; positive means yes.
    """
    ws, logits = [], []
    for start in range(0, count, BATCH_SIZE):
        codes = pipeline.codes(range(start, min(start + BATCH_SIZE, count)))
        ws.append(codes.ws[:, 0].cpu())
        logits.append(classifiers.features(to_uint8(pipeline.draw(codes))).cpu())
        if on_progress:
            on_progress(start + len(codes), count)
    return torch.cat(ws).numpy(), torch.cat(logits).numpy()


def attribute_boundaries(
    ws: np.ndarray, logits: np.ndarray, names: list[str]
) -> dict[str, np.ndarray]:
    """The normal of each attribute's hyperplane, `(D,)`, pointing to where the attribute is.

    As in separability, hyperplanes are fitted to the half that classifiers are sure of.

    Args:
        ws: `(N, D)`.
        logits: `(N, A)`.
        names: Of the attributes.

    Raises:
        UsageError: If scikit-learn is missing, or an attribute is there always or never.
    """
    require_scikit_learn()
    normals = {}
    for name, column in zip(names, logits.T, strict=True):
        kept = confident_half(column)
        labels = column[kept] > 0
        if labels.all() or not labels.any():
            share = "every one" if labels.all() else "none"
            raise UsageError(
                f"{name}: {share} of the {len(kept):,} images that are clearest has it, so that "
                "there is no boundary; draw more samples, or leave its classifier out"
            )
        normals[name] = fit_hyperplane(ws[kept], labels).coef_[0]
    return normals
