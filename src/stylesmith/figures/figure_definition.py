"""What defines a figure of a paper: its number, what it needs, and the function that draws it."""

from collections.abc import Callable
from dataclasses import dataclass

from stylesmith.callbacks import ProgressCallback
from stylesmith.figures.figure_input import FigureInput
from stylesmith.figures.panels import FigureLayout

FigureFunction = Callable[[FigureInput, ProgressCallback], FigureLayout]


@dataclass(frozen=True)
class PaperFigure:
    """One figure of a paper."""

    id: str
    """`stylegan-3`: the paper and the figure's number."""
    title: str
    options: frozenset[str] = frozenset()
    """The options that have an effect, as fields of `FigureOptions`."""
    needs: str = "any model"
    """What a model must have for it, in words; for a diagram, where it is in docs."""
    draw: FigureFunction | None = None
    """None for diagrams, which nothing computes."""
    needs_no_model: bool = False
    """Whether it is an experiment of its own, without a model."""

    def __call__(self, model: FigureInput, on_progress: ProgressCallback) -> FigureLayout:
        """Draw the figure, which is no diagram, for a model."""
        assert self.draw is not None
        return self.draw(model, on_progress)


def paper_figure(
    id_: str, title: str, options: str, needs: str = "any model", *, needs_no_model: bool = False
) -> Callable[[FigureFunction], PaperFigure]:
    """Decorator: the figure that a function draws; options are names with spaces between."""
    return lambda draw: PaperFigure(
        id_, title, frozenset(options.split()), needs, draw, needs_no_model
    )
