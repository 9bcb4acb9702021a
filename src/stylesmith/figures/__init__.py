"""Figures and tables of both papers, for any model.

Each figure is a function from a `FigureInput` to a `Drawing`, listed in `catalog.py`; `page.py` makes
files of drawings, with matplotlib.
"""

from stylesmith.figures.catalog import FIGURES, PaperFigure, check_model, check_options, find_figure
from stylesmith.figures.drawing import OKABE_ITO_COLORS, ChartPanel, FigureLayout, ImagePanel
from stylesmith.figures.page import save_figure
from stylesmith.figures.subject import FigureInput, FigureOptions, ProgressCallback

__all__ = [
    "OKABE_ITO_COLORS",
    "FIGURES",
    "ChartPanel",
    "FigureOptions",
    "FigureLayout",
    "PaperFigure",
    "ImagePanel",
    "ProgressCallback",
    "FigureInput",
    "check_options",
    "check_model",
    "find_figure",
    "save_figure",
]
