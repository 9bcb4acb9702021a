"""The images and labels at a path, whatever holds them: the one way by which data is opened."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from stylesmith.data.archive import Archive
from stylesmith.data.label_tables import KNOWN_TABLES, read_table_labels, split_column
from stylesmith.data.label_values import Labels
from stylesmith.data.labels import LABELS_FILE, common_folder, labels_from_folders, read_labels
from stylesmith.data.layout import Layout, recognize_layout, without_parts
from stylesmith.data.recognition import open_archive
from stylesmith.data.scan import FINGERPRINT_VERSION, image_names
from stylesmith.data.training_zip import read_manifest
from stylesmith.errors import DataError

NO_LABELS, FOLDERS = "none", "folders"


@dataclass(frozen=True)
class ReadOptions:
    """How data is read, where that is not to be recognized."""

    split: str = ""
    """Part of the data: train, val, test or all; empty takes the training part if there is one."""
    labels: str = ""
    """`none`; `folders`, which takes every folder as a class and every image as one; or a table,
    `FILE` or `FILE:COLUMN`. Empty takes what is recognized."""


AUTOMATIC = ReadOptions()


def absolute_table(labels: str) -> str:
    """The option `labels` with the absolute path of its table, so that a run finds it again."""
    if labels in {"", NO_LABELS, FOLDERS}:
        return labels
    file, columns = split_column(labels)
    return ":".join([str(file.resolve()), *([",".join(columns)] if columns else [])])


@dataclass
class ImageSet:
    """The names of images in an archive, and how their labels are found."""

    archive: Archive
    names: list[str]
    """The images that are taken, sorted."""
    every_image: list[str]
    """All images, with those that are left out as masks or as other parts."""
    options: ReadOptions
    layout: Layout
    version: int
    _table_problem: str = field(default="", init=False)
    """Why the table of a published data set is not used."""

    @property
    def recognized(self) -> str:
        """A line about the layout that was recognized; empty if there is nothing to say."""
        parts = [self.archive.description, *self.layout.notes]
        if self._table_problem:
            parts.append(f"no labels of {self._table_problem}")
        elif table := self._known_table():
            parts.append(f"labels of {table} (--labels none goes without)")
        text = "; ".join(part for part in parts if part)
        return f"Recognized: {text}." if text else ""

    def read_labels(self, good: Sequence[str]) -> Labels | None:
        """The labels of the images that can be read; None where the data has none.

        Raises:
            DataError: If labels are malformed, or do not fit the images.
        """
        if self.version < 3 or self._labels_file():
            return self._read_as_before(good)
        if self.options.labels == NO_LABELS:
            return None
        if self.options.labels == FOLDERS:
            return labels_from_folders(good, common_folder(self.every_image))
        if self.options.labels:
            return self._read_table(good)
        if self.archive.labels:
            rows = {name: row for row, name in enumerate(self.archive.sizes)}
            return self.archive.labels.select([rows[name] for name in good])
        if table := self._known_table():
            content = self.archive.read(table)
            try:
                return read_table_labels(content, table, [], good)
            except DataError as error:  # nobody asked for it, and images are sound without it
                self._table_problem = str(error).partition(". ")[0]
        if not self.layout.has_classes:
            return None
        return _labels_from_classes(good, self.names)

    def _read_as_before(self, good: Sequence[str]) -> Labels | None:
        """Labels by `dataset.json`, or by the rules of earlier versions."""
        manifest = read_manifest(self.archive, len(self.every_image))
        return read_labels(
            self.archive,
            good,
            left_out=sorted(set(self.every_image).difference(good)),
            class_names=manifest.class_names if manifest else None,
            natural_order=self.version > 1,
        )

    def _labels_file(self) -> bool:
        if self.options.labels:
            return False
        return has_labels_file(self.archive, self.every_image)

    def _known_table(self) -> str:
        """Name of the table of a published data set; empty if there is none, or it is not used."""
        if self.options.labels or self.version < 3 or self.archive.labels:
            return ""
        names = self.archive.sizes
        return next((n for n in names if PurePosixPath(n).name in KNOWN_TABLES), "")

    def _read_table(self, good: Sequence[str]) -> Labels:
        file, columns = split_column(self.options.labels)
        try:
            content = file.read_bytes()
        except OSError as error:
            raise DataError(
                f"--labels {self.options.labels}: wanted none, folders, or a table that can be "
                f"read ({error.strerror})."
            ) from error
        return read_table_labels(content, str(file), columns, good)

    def close(self) -> None:
        """Close the archive."""
        self.archive.close()


def has_labels_file(archive: Archive, images: Sequence[str]) -> bool:
    """Whether a `dataset.json` lies beside the images or above them."""
    folders = PurePosixPath(common_folder(images)).parts
    tops = ["/".join(folders[:depth]) for depth in range(len(folders) + 1)]
    return any(str(PurePosixPath(top, LABELS_FILE)) in archive.sizes for top in tops)


def open_images(
    path: Path,
    *,
    options: ReadOptions = AUTOMATIC,
    size: tuple[int, int] | None = None,
    skip_bad: bool = False,
    version: int = FINGERPRINT_VERSION,
) -> ImageSet:
    """Open a folder, zip or container and find its images.

    Args:
        path: The folder or file.
        options: How to read it.
        size: Height and width that are wanted, for containers that have several.
        skip_bad: Whether to go on where a part is missing.
        version: Version of the rules that images and classes in folders and zips are found by.

    Raises:
        DataError: If the data cannot be used.
    """
    archive = open_archive(path, size=size, split=options.split, skip_bad=skip_bad)
    if archive.description:  # runs of earlier versions, whose rules are kept, had no containers
        version = FINGERPRINT_VERSION
    try:
        images = image_names(archive, version=version)
        is_told = archive.shape or options.labels == FOLDERS
        is_labeled = has_labels_file(archive, images) and not options.split
        if version < 3 or is_told or is_labeled:
            layout = Layout(images)
        else:
            layout = recognize_layout(images, split=options.split, where=path)
    except BaseException:
        archive.close()
        raise
    return ImageSet(archive, layout.images, images, options, layout, version)


def _labels_from_classes(good: Sequence[str], names: Sequence[str]) -> Labels | None:
    """Classes by the folders below that of all images; folders of parts and shards are none."""
    inside = dict(zip(names, without_parts(names), strict=True))
    return labels_from_folders(
        [inside[name] for name in good], common_folder(list(inside.values()))
    )
