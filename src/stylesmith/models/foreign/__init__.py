"""Published weights: files of other programs, read without running anything in them.

`read_foreign` finds out what a file is, `take_generator` and `take_discriminator` make networks of
ours from it, `write_foreign` goes the other way. The name maps serve both directions.
"""

from stylesmith.models.foreign.card import import_card
from stylesmith.models.foreign.describe import describe
from stylesmith.models.foreign.export import write_foreign
from stylesmith.models.foreign.files import read_foreign
from stylesmith.models.foreign.reading import looks_foreign
from stylesmith.models.foreign.report import (
    LICENCES,
    ForeignFile,
    ForeignNetwork,
    Kind,
    Report,
    Role,
)
from stylesmith.models.foreign.translate import take_discriminator, take_generator

__all__ = [
    "LICENCES",
    "ForeignFile",
    "ForeignNetwork",
    "Kind",
    "Report",
    "Role",
    "describe",
    "import_card",
    "looks_foreign",
    "read_foreign",
    "take_discriminator",
    "take_generator",
    "write_foreign",
]
