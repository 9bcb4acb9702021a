"""Published weights: files of other programs, read without running anything in them.

`read_external` finds out what a file is, `import_generator` and `import_discriminator` make networks of
ours from it, `write_external` goes the other way. The name maps serve both directions.
"""

from stylesmith.models.foreign.card import import_card
from stylesmith.models.foreign.describe import describe_file
from stylesmith.models.foreign.export import write_external
from stylesmith.models.foreign.files import read_external
from stylesmith.models.foreign.reading import is_external_file
from stylesmith.models.foreign.report import (
    WEIGHT_LICENSES,
    ExternalFile,
    ExternalFormat,
    ExternalNetwork,
    ImportReport,
    NetworkRole,
)
from stylesmith.models.foreign.translate import import_discriminator, import_generator

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
