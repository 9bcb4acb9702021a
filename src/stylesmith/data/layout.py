"""Layouts of well-known data sets: which images are meant, and which folders are classes.

Many folders are no classes: they split a long list by numbers, hold the parts for training and
testing, or masks and thumbnails of the same images.
"""

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import takewhile
from pathlib import PurePosixPath

from stylesmith.data.labels import common_folder
from stylesmith.data.splits import SPLITS, choose_splits, describe_splits

_VARIANTS = {
    "FFHQ": ("images1024x1024", "in-the-wild-images", "thumbnails128x128"),
    "CelebAMask-HQ": ("CelebA-HQ-img", "CelebAMask-HQ-mask-anno", "CelebAMask-HQ-mask"),
    "CelebA": ("img_align_celeba", "img_align_celeba_png", "img_celeba"),
    "MetFaces": ("images", "unprocessed"),
}
"""Folders of published data sets that show the same images; the first that is there is taken."""

_IMAGE_FOLDER = re.compile(r"(images?|imgs?|photos?|jpegimages|.*[-_](img|imgs|images))", re.I)
_MASK_FOLDER = re.compile(
    r"(.*[-_ ])?(masks?|anno|annotations?|labels?|seg|segmentations?|segmentationclass|"
    r"segmentationobject|parsing|depth|alphas?|mattes?)",
    re.I,
)
_MASK_STEM = re.compile(r"(.+)[-_](masks?|seg|segmentation|anno|labels?|depth|alpha|matte)", re.I)
_HASH = re.compile(r"[0-9a-f]{16,}", re.I)
_LAST_DIGITS = re.compile(r"(\d+)\D*$")
_AS_IT_LIES = "--labels folders reads all as it lies"


@dataclass(frozen=True)
class Layout:
    """The images that are taken, and what was recognized."""

    images: list[str]
    has_classes: bool = True
    """Whether the folders of the images, if there are several, are classes."""
    notes: tuple[str, ...] = ()
    """Sentences about what was recognized, each with the option that overrules it."""

    def note(self, text: str, **changes: object) -> "Layout":
        """A changed layout with one more note."""
        return replace(self, notes=(*self.notes, text), **changes)  # type: ignore[arg-type]


def recognize_layout(images: Sequence[str], *, split: str, where: object) -> Layout:
    """Recognize how images are laid out, by their names.

    Args:
        images: Sorted names with `/`.
        split: Part to take: train, val, test or all; empty takes the training part.
        where: The data, for messages.

    Raises:
        DataError: If there is no such part.
    """
    layout = _take_known_variant(Layout(list(images)))
    layout = _leave_out_masks(layout)
    layout = _take_split(layout, split, where)
    layout = _leave_out_mask_files(layout)
    if text := describe_numbering(layout.images):
        return layout.note(f"{text} are no classes ({_AS_IT_LIES})", has_classes=False)
    return layout


def without_parts(images: Sequence[str]) -> list[str]:
    """The names without folders of parts and of shards (`train/`, `a.tar/`), if all have one."""
    top = common_folder(images)
    split = [name.removeprefix(top).partition("/") for name in images]
    is_part = all(one[0].lower() in SPLITS or one[0].endswith(".tar") for one in split)
    return [rest if is_part and slash else first + slash + rest for first, slash, rest in split]


def _folders_below(images: Sequence[str]) -> dict[str, list[str]]:
    """The images in each folder below the one that all lie in; loose images are under ``."""
    top = common_folder(images)
    found: dict[str, list[str]] = {}
    for name in images:
        folder, slash, _ = name.removeprefix(top).partition("/")
        found.setdefault(folder if slash else "", []).append(name)
    return found


def _take_known_variant(layout: Layout) -> Layout:
    folders = _folders_below(layout.images)
    for set_name, variants in _VARIANTS.items():
        there = [name for name in variants if name in folders]
        if len(there) > 1 and set(folders) <= {"", *variants}:
            images = folders[there[0]]
            others = ", ".join(f"{name}/" for name in there[1:])
            return layout.note(
                f"{set_name}, {len(images):,} images of {there[0]}/, without {others} "
                "(name another folder to take that)",
                images=images,
            )
    return layout


def _leave_out_masks(layout: Layout) -> Layout:
    """Take only the folder of images, where it lies beside folders of masks."""
    folders = _folders_below(layout.images)
    masks = [name for name in folders if _MASK_FOLDER.fullmatch(name)]
    others = [name for name in folders if name not in masks]
    if not masks or len(others) != 1 or not _IMAGE_FOLDER.fullmatch(others[0]):
        return layout
    left_out = ", ".join(f"{name}/" for name in sorted(masks))
    return layout.note(
        f"{len(folders[others[0]]):,} images of {others[0]}/, without {left_out} ({_AS_IT_LIES})",
        images=folders[others[0]],
    )


def _leave_out_mask_files(layout: Layout) -> Layout:
    """Leave out `a_mask.png` beside `a.jpg`."""
    stems = [name.rpartition(".")[0] for name in layout.images]
    bases = [(match := _MASK_STEM.fullmatch(stem)) and match[1] for stem in stems]
    if not any(bases):
        return layout
    there = set(stems)
    masks = [n for n, base in zip(layout.images, bases, strict=True) if base in there]
    if not masks:
        return layout
    left_out = set(masks)
    text = f"{len(masks):,} masks, such as {PurePosixPath(masks[0]).name}, are left out"
    images = [name for name in layout.images if name not in left_out]
    return layout.note(f"{text} ({_AS_IT_LIES})", images=images)


def _take_split(layout: Layout, wanted: str, where: object) -> Layout:
    folders = _folders_below(layout.images)
    parts = {name: SPLITS.get(name.lower()) for name in folders}
    if len(folders) < 2 or None in parts.values():
        if wanted:
            only = common_folder(layout.images).lower().rstrip("/").split("/")
            choose_splits({SPLITS[name] for name in only if name in SPLITS}, wanted, where)
        return layout
    there = {part for part in parts.values() if part}
    if len(there) < 2 and not wanted:
        return layout
    taken = choose_splits(there, wanted, where)
    images = sorted(
        image for name, part in parts.items() if part in taken for image in folders[name]
    )
    text = f"{describe_splits(taken, there)}, {len(images):,} images"
    return layout.note(text, images=images)


def describe_numbering(images: Sequence[str]) -> str:
    """The folders of images in words, if they only split a long list; else empty.

    They do if the numbers of images tell their folders: `03000/03123.png`, `00003/img00003123.png`
    and `0123/3123.jpg` (the last digits), or if they are the first digits of long hashes.
    """
    top = common_folder(images)
    paths = [name.removeprefix(top).rpartition(".")[0].split("/") for name in images]
    if not paths or any(len(path) < 2 for path in paths):
        return ""
    folders = sorted({path[0] for path in paths})
    if len(folders) < 2:
        return ""
    named = f"folders {folders[0]} to {folders[-1]}"
    if all(_is_hashed(path) for path in paths):
        return f"{named}, first digits of names,"
    known = [pair for pair in takewhile(bool, map(_numbers, paths)) if pair]
    return f"numbered {named}" if len(known) == len(paths) and any(_matches(known)) else ""


def _is_hashed(path: Sequence[str]) -> bool:
    *folders, stem = path
    return _HASH.fullmatch(stem) is not None and stem.startswith("".join(folders))


def _numbers(path: Sequence[str]) -> tuple[int, int] | None:
    """The number of the folder and that of the image."""
    digits = _LAST_DIGITS.search(path[-1])
    if len(path) != 2 or not path[0].isdecimal() or not digits:
        return None
    return int(path[0]), int(digits[1])


def _matches(numbers: Sequence[tuple[int, int]]) -> Iterator[bool]:
    """Whether each way of splitting a list gives these pairs of folder and image."""
    step = math.gcd(*(folder for folder, _ in numbers))
    if step >= 100:
        yield all(folder <= image < folder + step for folder, image in numbers)
    for step in (100, 500, 1000, 2000, 2500, 5000, 10000):
        yield all(image // step == folder for folder, image in numbers)
    yield all(image % 1000 == folder for folder, image in numbers) and any(
        image >= 1000 for _, image in numbers
    )
