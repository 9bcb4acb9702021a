"""Signs that a run is going wrong, said once each while it runs."""

import math
from collections import deque

from stylesmith.training.advice import HEALTHY_SIGNS, LOW_DIVERSITY

PATIENCE = 5
"""Records in a row that must agree."""
CHANCE_LOSS_TOLERANCE = 0.01
"""D's loss this close to 2 ln 2 has not learned to tell real from generated."""


class HealthMonitor:
    """Watches the log's records and speaks up once for each kind of trouble."""

    def __init__(self) -> None:
        self._recent: deque[dict[str, float]] = deque(maxlen=PATIENCE)
        self._low_diversity_grids = 0
        self._reported: set[str] = set()

    def after_progress(self, record: dict[str, float]) -> list[str]:
        """Hints that follow from a progress record with the last few before it."""
        if "sign_real" not in record:  # WGAN-GP, whose scores have no meaningful sign
            return []
        self._recent.append(record)
        if len(self._recent) < PATIENCE:
            return []
        hints = []
        low = HEALTHY_SIGNS[1]
        if all(min(r["sign_real"], r["sign_fake"]) > low for r in self._recent):
            hints += self._once(
                "winning",
                "The discriminator is winning: it is right about nearly every image, so the "
                "generator learns little. Raise the penalty (--set training.r1_gamma=...), add "
                "images, or flip them with --mirror.",
            )
        if all(abs(r["loss_d"] - 2 * math.log(2)) < CHANCE_LOSS_TOLERANCE for r in self._recent):
            hints += self._once(
                "idle",
                "The discriminator's loss stays at 2 ln 2: it cannot tell real from generated. "
                "Lower the gradient penalty (--set training.r1_gamma=...).",
            )
        return hints

    def after_samples(self, record: dict[str, float]) -> list[str]:
        """Hints that follow from a grid of samples."""
        self._low_diversity_grids = (
            self._low_diversity_grids + 1 if record["diversity"] < LOW_DIVERSITY else 0
        )
        if self._low_diversity_grids < 2:
            return []
        return self._once(
            "few",
            "The samples are much less varied than the data and may be collapsing to few. Look at "
            "the grid; go back to an earlier snapshot, raise training.r1_gamma or the batch size.",
        )

    def _once(self, problem: str, text: str) -> list[str]:
        if problem in self._reported:
            return []
        self._reported.add(problem)
        return [text]
