"""Published weights: files of other programs, read without running anything in them.

`read_external` finds out what a file is, `import_generator` and `import_discriminator` make
networks of ours from it, `write_external` goes the other way. The name maps serve both directions.
"""

from stylesmith.models.interop.file_reader import is_external_file, read_external
from stylesmith.models.interop.file_writer import write_external
from stylesmith.models.interop.importer import import_discriminator, import_generator
from stylesmith.models.interop.inspection import describe_file

__all__ = [
    "describe_file",
    "import_discriminator",
    "import_generator",
    "is_external_file",
    "read_external",
    "write_external",
]
