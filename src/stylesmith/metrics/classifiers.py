"""Attribute classifiers: one network per binary attribute, which labels generated images.

StyleGAN, section 4.2 and appendix C: the discriminator's architecture without minibatch standard
deviation, Adam at 1e-3, batches of 8, 150,000 images each. They need no weights from elsewhere, so
they also serve as an extractor.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, cast

import torch
import torch.nn.functional as F
from pydantic import ValidationError
from torch import Tensor

from stylesmith import files, images
from stylesmith.config import DiscriminatorConfig, base_grid
from stylesmith.errors import ModelError, ShapeError
from stylesmith.models.container import TensorFileKind, read_tensor_file, write_tensor_file
from stylesmith.models.store import copy_tensors
from stylesmith.networks import build_discriminator
from stylesmith.networks.discriminators import OrigDiscriminator
from stylesmith.networks.fingerprint import tensors_hash

CLASSIFIER_KIND: TensorFileKind = "classifier"
CLASSIFIER_SUFFIX = ".safetensors"
MAX_CLASSIFIER_SIZE = 256
"""Side that larger images are reduced to, as in CelebA-HQ at 256x256."""


@dataclass(frozen=True)
class ClassifierFacts:
    """What a classifier was trained on, and how well it does."""

    attribute: str
    place: int
    """Its number among the attributes."""
    data: str
    """Hash of the images."""
    images: int
    """How many it was shown."""
    seed: int
    accuracy: float
    """On images held out, the mean of those with the attribute and those without."""
    share: float
    """Of images that have the attribute."""


def classifier_config(
    size: tuple[int, int], channels: int, *, max_channels: int = 512
) -> DiscriminatorConfig:
    """The architecture of ProGAN's and StyleGAN's discriminator for images of that size.

    Args:
        size: Height and width of the images, which are reduced to at most 256.
        channels: 1, 3 or 4.
        max_channels: Most feature maps; the paper's are 512.

    Raises:
        ConfigError: If no network has that size.
    """
    factor = downscale_factor(size)
    base, levels = base_grid(size[0] // factor, size[1] // factor)
    return DiscriminatorConfig.model_validate(
        {
            "base": base,
            "levels": levels,
            "image_channels": channels,
            "channel_base": 16384,
            "max_channels": max_channels,
            "connection": "orig",
            "resample": "box",
            "stddev_features": 0,
        }
    )


def downscale_factor(size: tuple[int, int]) -> int:
    """The whole number that images are reduced by, to near 256."""
    return max(1, max(size) // MAX_CLASSIFIER_SIZE)


def classifier_input(pixels: Tensor, config: DiscriminatorConfig) -> Tensor:
    """uint8 `(N, C, H, W)` to what a network of that config takes: -1..1, averaged over squares.

    Raises:
        ShapeError: If the images have another shape than those that it was trained on.
    """
    height, width = config.size()
    factor = max(1, pixels.shape[2] // height)
    wanted = (config.image_channels, height * factor, width * factor)
    if tuple(pixels.shape[1:]) != wanted:
        raise ShapeError(
            f"images are {tuple(pixels.shape[1:])} (channels, height, width); these classifiers "
            f"were trained on {(config.image_channels, height, width)}"
        )
    x = images.from_uint8(pixels)
    return F.avg_pool2d(x, factor) if factor > 1 else x


def save_classifier(folder: Path, network: OrigDiscriminator, facts: ClassifierFacts) -> None:
    """Write one classifier into a folder of them.

    Raises:
        OutputError: If it cannot be written.
    """
    header = {"network": network.config.model_dump(mode="json"), "facts": asdict(facts)}
    write_tensor_file(
        classifier_path(folder, facts.place), network.state_dict(), header, kind=CLASSIFIER_KIND
    )


def classifier_path(folder: Path, index: int) -> Path:
    """The file of the attribute with this number."""
    return folder / f"{index:03d}{CLASSIFIER_SUFFIX}"


def load_classifier(path: Path) -> tuple[OrigDiscriminator, ClassifierFacts]:
    """Read one classifier.

    Raises:
        ModelError: If the file is missing, damaged or of another kind.
    """
    tensors, header = read_tensor_file(path, kind=CLASSIFIER_KIND)
    try:
        config = DiscriminatorConfig.model_validate(header["network"])
        facts = ClassifierFacts(**header["facts"])
    except (ValidationError, KeyError, TypeError) as error:
        raise ModelError(f"{path}: damaged (its header cannot be read).") from error
    return build_classifier(config, tensors, str(path)), facts


def build_classifier(
    config: DiscriminatorConfig, tensors: Mapping[str, Tensor], source: str
) -> OrigDiscriminator:
    """A classifier with these weights, on the CPU."""
    network = cast(OrigDiscriminator, build_discriminator(config))
    copy_tensors(network.state_dict(), tensors, source=source)
    return network.eval().requires_grad_(False)


class Classifiers:
    """All classifiers of a folder; as an extractor, their logits are the features."""

    name = "classifiers"

    def __init__(self, networks: Sequence[OrigDiscriminator], facts: Sequence[ClassifierFacts]):
        self.networks = list(networks)
        self.facts = list(facts)
        self.config: DiscriminatorConfig = networks[0].config
        self.dimension = len(self.networks)
        self.min_size = min(self.config.size())
        tensors = {
            f"{f.place}.{name}": tensor
            for network, f in zip(networks, facts, strict=True)
            for name, tensor in network.state_dict().items()
        }
        self.weights_hash = tensors_hash(tensors.items())

    @property
    def attributes(self) -> list[str]:
        """The names, in order."""
        return [facts.attribute for facts in self.facts]

    @torch.no_grad()
    def features(self, images: Tensor) -> Tensor:
        """uint8 `(N, C, H, W)` -> one logit per attribute, `(N, A)`; positive means yes.

        Raises:
            ShapeError: If the images have another shape than those that they were trained on.
        """
        device = next(self.networks[0].parameters()).device
        x = classifier_input(images.to(device), self.config)
        return torch.stack([network(x) for network in self.networks], dim=1)


def open_classifiers(folder: Path, device: torch.device) -> Classifiers:
    """Read a folder that `stylesmith classifiers train` wrote.

    Raises:
        ModelError: If there are none, one is damaged, or they do not belong together.
    """
    paths = sorted(files.numbered_files(folder, CLASSIFIER_SUFFIX)) if folder.is_dir() else []
    if not paths:
        raise ModelError(
            f"{folder}: holds no classifiers. `stylesmith classifiers train DATA --out {folder}` "
            "trains them."
        )
    networks, facts = zip(*map(load_classifier, paths), strict=True)
    first: Any = (networks[0].config, facts[0].data)
    for path, network, fact in zip(paths, networks, facts, strict=True):
        if (network.config, fact.data) != first:
            raise ModelError(
                f"{path}: was trained on other images than {paths[0].name}, or has another size. "
                "Train all of a folder together."
            )
    return Classifiers([network.to(device) for network in networks], facts)
