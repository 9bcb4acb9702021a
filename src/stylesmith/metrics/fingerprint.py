"""Names for data: what is equal has one hash, wherever it lies."""

import hashlib
import zipfile
from collections.abc import Iterable, Iterator

from stylesmith.data.dataset import Dataset


def blake2b_digest(parts: Iterable[bytes]) -> str:
    """32 hexadecimal digits."""
    state = hashlib.blake2b(digest_size=16)
    for part in parts:
        state.update(part)
    return state.hexdigest()


def data_hash(dataset: Dataset) -> str:
    """Of the bytes of all images, their labels, and how they are resized.

    A zip keeps a checksum of each file; the files of a folder are read for it.
    """

    def parts() -> Iterator[bytes]:
        yield f"{dataset.fingerprint} {dataset.size} {dataset.channels} {dataset.resize}".encode()
        yield from _image_checksums(dataset)

    return blake2b_digest(parts())


def _image_checksums(dataset: Dataset) -> Iterator[bytes]:
    if dataset.path.is_dir():
        for name in dataset.names:
            yield dataset.archive.read(name)
        return
    with zipfile.ZipFile(dataset.path) as archive:
        for name in dataset.names:
            yield archive.getinfo(name).CRC.to_bytes(4)
