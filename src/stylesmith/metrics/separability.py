"""Linear separability of attributes in latent space, and hyperplane normals as edit directions.

Source: StyleGAN, section 4.2; directions in W: Shen et al. 2020, InterFaceGAN.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from stylesmith.callbacks import ProgressCallback
from stylesmith.errors import UsageError
from stylesmith.images import to_uint8
from stylesmith.metrics.classifiers import Classifiers
from stylesmith.metrics.protocol import DEFAULT_COUNTS
from stylesmith.sampling import SamplingPipeline, SamplingSettings

if TYPE_CHECKING:
    from sklearn.svm import LinearSVC


@dataclass(frozen=True)
class Separability:
    """How well hyperplanes separate attributes in one latent space."""

    entropies: dict[str, float]
    """H(Y|X) in bits for each attribute: Y is its label, X the prediction of the hyperplane."""

    @property
    def score(self) -> float:
        """The entropies in nats summed, then exp; as powers of 2 in bits. 1 is perfect."""
        return float(2 ** sum(self.entropies.values()))


def linear_separability(
    points: np.ndarray, logits: np.ndarray, names: Sequence[str]
) -> Separability:
    """Fit one hyperplane per attribute.

    Args:
        points: Latents, `(N, D)`.
        logits: Answers of the classifiers, `(N, A)`; positive means yes.
        names: The attributes.

    Raises:
        UsageError: If scikit-learn is missing.
    """
    require_scikit_learn()
    return Separability(
        {
            name: conditional_entropy(hyperplane_predictions(points[kept], labels), labels)
            for name, kept, labels in _confident_labels(logits, names)
        }
    )


def _confident_labels(
    logits: np.ndarray, names: Sequence[str]
) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    """For each attribute the places of its confident half, and the labels there."""
    for name, column in zip(names, logits.T, strict=True):
        kept = confident_half(column)
        yield name, kept, column[kept] > 0


def confident_half(logits: np.ndarray) -> np.ndarray:
    """Places of the half of the logits `(N,)` that are farthest from 0."""
    return np.argsort(-np.abs(logits), kind="stable")[: len(logits) // 2]


def hyperplane_predictions(points: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Predictions of the best hyperplane for the same points that it was fit to.

    If all labels are equal, so are the predictions.
    """
    if labels.all() or not labels.any():
        return labels
    return np.asarray(fit_hyperplane(points, labels).predict(points), bool)


def fit_hyperplane(points: np.ndarray, labels: np.ndarray) -> "LinearSVC":
    """The linear support vector machine that separates points by their two labels, `(N,)`."""
    from sklearn.svm import LinearSVC

    # The primal problem has the same solution as the dual, and is the faster one for N > D.
    return LinearSVC(dual=False).fit(points, labels)


def conditional_entropy(predictions: np.ndarray, labels: np.ndarray) -> float:
    """H(Y|X) in bits of two binary variables, each `(N,)`, from their counts."""
    joint = np.array(
        [[np.mean((predictions == x) & (labels == y)) for y in (0, 1)] for x in (0, 1)]
    )
    marginal = np.broadcast_to(joint.sum(axis=1, keepdims=True), joint.shape)
    there = joint > 0
    return float(-(joint[there] * np.log2(joint[there] / marginal[there])).sum() + 0.0)


def require_scikit_learn() -> None:
    """Fail early, before samples are drawn.

    Raises:
        UsageError: If scikit-learn is missing.
    """
    try:
        import sklearn.svm  # noqa: F401
    except ImportError:
        raise UsageError(
            'linear separability needs scikit-learn: pip install "stylesmith[metrics]"'
        ) from None


BATCH_SIZE = 64
DEFAULT_SAMPLES = DEFAULT_COUNTS["small"]["ls"]
"""Number of images whose attributes are classified."""


def classify_seeds(
    pipeline: SamplingPipeline,
    classifiers: Classifiers,
    count: int = DEFAULT_SAMPLES,
    on_progress: ProgressCallback | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """The w and the attributes of the first seeds.

    Args:
        pipeline: Draws all layers from one w.
        classifiers: Attributes of the images.
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
    for name, kept, labels in _confident_labels(logits, names):
        if labels.all() or not labels.any():
            share = "every one" if labels.all() else "none"
            raise UsageError(
                f"{name}: {share} of the {len(kept):,} images that are clearest has it, so that "
                "there is no boundary; draw more samples, or leave its classifier out"
            )
        normals[name] = fit_hyperplane(ws[kept], labels).coef_[0]
    return normals


def classifier_boundaries(
    pipeline: SamplingPipeline,
    classifiers: Classifiers,
    count: int,
    on_progress: ProgressCallback | None = None,
) -> dict[str, Tensor]:
    """Normals `(D,)` of attributes in W, from `count` seeds drawn without truncation.

    Raises:
        UsageError: If scikit-learn is missing, or an attribute is there always or never.
    """
    require_scikit_learn()
    whole = SamplingPipeline(pipeline.generator, SamplingSettings(label=pipeline.settings.label))
    ws, logits = classify_seeds(whole, classifiers, count, on_progress)
    found = attribute_boundaries(ws, logits, classifiers.attributes)
    return {name: torch.from_numpy(normal) for name, normal in found.items()}
