"""What decides a projection besides the model and the picture."""

from dataclasses import asdict, dataclass
from typing import Any, Literal

ProjectionSpace = Literal["w", "w+"]
"""One w for all layers, as the mapping gives it; or a w of its own for each layer."""

ProjectionForm = Literal["code", "paper"]
"""Where StyleGAN2's appendix D and the published projector differ: whom to follow."""


@dataclass(frozen=True)
class ProjectionSettings:
    """Settings of a projection; the defaults are StyleGAN2's appendix D."""

    steps: int = 1000
    space: ProjectionSpace = "w"
    noise: bool = True
    """Look for noise maps too; off, the network's own stay."""
    form: ProjectionForm = "code"
    learning_rate: float = 0.1
    """Largest rate of Adam."""
    noise_weight: float = 1e5
    """Alpha, the weight of the noise regularizer."""
    stop_at: float | None = None
    """A picture is done as soon as its distance is at most this; None runs all steps."""
    label: int | None = None
    """Class whose w are the start and the scale; None takes all classes in turn."""
    seed: int = 0
    """Of the first noise maps, and of the noise on w."""

    @property
    def evaluation_interval(self) -> int:
        """Steps from one look at the undisturbed image to the next."""
        return max(1, self.steps // 100)

    def describe(self) -> dict[str, Any]:
        """As JSON, for files."""
        return asdict(self)
