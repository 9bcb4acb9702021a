"""Published weights: files of other programs, read without running anything in them.

`read_external` finds out what a file is, `import_generator` and `import_discriminator` make networks of
ours from it, `write_external` goes the other way. The name maps serve both directions.
"""

from stylesmith.models.interop.card import import_card
from stylesmith.models.interop.describe import describe_file
from stylesmith.models.interop.export import write_external
from stylesmith.models.interop.files import read_external
from stylesmith.models.interop.reading import is_external_file
from stylesmith.models.interop.report import (
    WEIGHT_LICENSES,
    ExternalFile,
    ExternalFormat,
    ExternalNetwork,
    ImportReport,
    NetworkRole,
)
from stylesmith.models.interop.translate import import_discriminator, import_generator

__all__ = [
    "WEIGHT_LICENSES",
    "ExternalFile",
    "ExternalNetwork",
    "ExternalFormat",
    "ImportReport",
    "NetworkRole",
    "describe_file",
    "import_card",
    "is_external_file",
    "read_external",
    "import_discriminator",
    "import_generator",
    "write_external",
]
