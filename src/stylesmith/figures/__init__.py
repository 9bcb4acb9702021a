"""Figures and tables of both papers, for any model.

Each figure is a function from a `FigureInput` to a `Drawing`, listed in `catalog.py`; `page.py`
makes files of drawings, with matplotlib.
"""

from stylesmith.callbacks import ProgressCallback
from stylesmith.figures.figure_input import FigureInput, FigureOptions
from stylesmith.figures.matplotlib_page import save_figure
from stylesmith.figures.panels import OKABE_ITO_COLORS, ChartPanel, FigureLayout, ImagePanel
from stylesmith.figures.paper_figures import (
    FIGURES,
    PaperFigure,
    check_model,
    check_options,
    find_figure,
)

__all__ = [
    "FIGURES",
    "OKABE_ITO_COLORS",
    "ChartPanel",
    "FigureInput",
    "FigureLayout",
    "FigureOptions",
    "ImagePanel",
    "PaperFigure",
    "ProgressCallback",
    "check_model",
    "check_options",
    "find_figure",
    "save_figure",
]
