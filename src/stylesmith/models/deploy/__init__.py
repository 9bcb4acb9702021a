"""Trained generators as programs that run without this package: ONNX, torch.export, a web page."""

from stylesmith.models.deploy.page import write_page
from stylesmith.models.deploy.programs import NoiseInput
from stylesmith.models.deploy.runtime import find_runtime
from stylesmith.models.deploy.write import ExportedFile, ProgramFormat, write_programs

__all__ = [
    "ProgramFormat",
    "NoiseInput",
    "ExportedFile",
    "find_runtime",
    "write_page",
    "write_programs",
]
