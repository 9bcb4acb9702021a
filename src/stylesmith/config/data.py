"""Which images a run trains on."""

from typing import Literal

from pydantic import Field

from stylesmith.config.base import Config


class DataConfig(Config):
    """The training set as the run sees it."""

    path: str = ""
    """Folder or zip, as an absolute path."""
    size: tuple[int, int] = (256, 256)
    """Height and width in pixels."""
    channels: Literal[1, 3, 4] = 3
    """1 is grey, 3 is RGB, 4 is RGB with alpha."""
    label_size: int = Field(default=0, ge=0)
    """Length of a label; 0 trains without labels."""
    mirror: bool = False
    """Flip each image with probability 1/2."""
    skip_bad: bool = False
    """Leave unreadable images out instead of stopping."""
    resize: bool = False
    """Crop and resize images of other sizes while reading; off means that they are refused."""
    credit: str = ""
    """Author and license of the images, where they ask to be named; repeated on model cards."""
    fingerprint: str = ""
    """Hash of the names and sizes of the files, which tells whether the data has changed."""
