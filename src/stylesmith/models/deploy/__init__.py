"""Trained generators as programs that run without this package: ONNX, torch.export, a web page."""

from stylesmith.models.deploy.export import ExportedFile, ProgramFormat, write_programs
from stylesmith.models.deploy.web_page import WebRuntime, find_runtime, write_page

__all__ = [
    "ExportedFile",
    "ProgramFormat",
    "WebRuntime",
    "find_runtime",
    "write_page",
    "write_programs",
]
