"""Figures and tables of both papers, for any model.

Each figure is a function from a `FigureInput` to a `FigureLayout`, declared by `@paper_figure` and
listed in `paper_figures.py`; `matplotlib_page.py` writes layouts as files.
"""

from stylesmith.figures.figure_input import FigureInput, FigureOptions, PaperFigure
from stylesmith.figures.matplotlib_page import save_figure
from stylesmith.figures.panels import ChartPanel, FigureLayout, ImagePanel
from stylesmith.figures.paper_figures import FIGURES, check_model, check_options, find_figure

__all__ = [
    "FIGURES",
    "ChartPanel",
    "FigureInput",
    "FigureLayout",
    "FigureOptions",
    "ImagePanel",
    "PaperFigure",
    "check_model",
    "check_options",
    "find_figure",
    "save_figure",
]
