"""Figures and tables of both papers, for any model.

Each figure is a function from a `Subject` to a `Drawing`, listed in `catalog.py`; `page.py` makes
files of drawings, with matplotlib.
"""

from stylesmith.figures.catalog import FIGURES, PaperFigure, check_choices, check_model, find_figure
from stylesmith.figures.drawing import COLORS, Chart, Drawing, Pictures
from stylesmith.figures.page import save_drawing
from stylesmith.figures.subject import Choices, Progress, Subject

__all__ = [
    "COLORS",
    "FIGURES",
    "Chart",
    "Choices",
    "Drawing",
    "PaperFigure",
    "Pictures",
    "Progress",
    "Subject",
    "check_choices",
    "check_model",
    "find_figure",
    "save_drawing",
]
