"""Linear separability: do attributes have a direction in latent space?

StyleGAN, section 4.2: the confident half of labeled latents is split by a hyperplane for each
attribute, and the labels' conditional entropies given the side are added up.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from stylesmith.errors import UsageError

if TYPE_CHECKING:
    from sklearn.svm import LinearSVC


@dataclass(frozen=True)
class Separability:
    """How well hyperplanes separate attributes in one latent space."""

    entropies: dict[str, float]
    """H(Y|X) in bits for each attribute: Y is its label, X the side of the hyperplane."""

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
        logits: What the classifiers say of the images, `(N, A)`; positive means yes.
        names: The attributes.

    Raises:
        UsageError: If scikit-learn is missing.
    """
    require_scikit_learn()
    entropies = {}
    for name, column in zip(names, logits.T, strict=True):
        kept = confident_half(column)
        labels = column[kept] > 0
        entropies[name] = conditional_entropy(hyperplane_predictions(points[kept], labels), labels)
    return Separability(entropies)


def confident_half(logits: np.ndarray) -> np.ndarray:
    """Places of the half of the logits `(N,)` that are farthest from 0."""
    return np.argsort(-np.abs(logits), kind="stable")[: len(logits) // 2]


def hyperplane_predictions(points: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Which side of the best hyperplane each point lies on, for the same points that it was fit to.

    If all labels are equal, all points are taken to be on one side.
    """
    if labels.all() or not labels.any():
        return labels
    return np.asarray(fit_hyperplane(points, labels).predict(points), bool)


def fit_hyperplane(points: np.ndarray, labels: np.ndarray) -> "LinearSVC":
    """The linear support vector machine that tells labels `(N,)` of both kinds from points."""
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
