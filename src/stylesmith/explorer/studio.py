"""A generator as the explorer shows it: what the page must know of it, and answers to requests."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from PIL import Image

from stylesmith.devices import dtype_name
from stylesmith.errors import StylesmithError
from stylesmith.explorer.messages import (
    THUMBNAIL_PIXELS,
    Answer,
    SceneRequest,
    frame_picture,
)
from stylesmith.images import to_pil_image
from stylesmith.networks import Generator
from stylesmith.networks.build import model_hash
from stylesmith.networks.layer_indices import noise_layers
from stylesmith.networks.sampling_pipeline import SamplingPipeline
from stylesmith.networks.synthesis import DrawingStopped, LevelState
from stylesmith.sampling.scene import MAX_DIRECTIONS, Scene, ScenePainter
from stylesmith.sampling.scene_files import check_scene, encode_scene_png, scene_command


@dataclass(frozen=True)
class ModelName:
    """A model as the user named it, and options that a command needs to draw the same."""

    text: str
    options: tuple[object, ...] = ()


class Studio:
    """Answers requests with one generator; used by one thread."""

    def __init__(self, generator: Generator, name: ModelName):
        self.generator, self.name = generator, name
        self.painter = ScenePainter(generator)
        self.hash = model_hash(generator)

    def describe(self) -> dict[str, Any]:
        """Description of the model for the page, as JSON."""
        generator, config = self.generator, self.generator.config
        top = generator.top_level
        height, width = generator.image_size
        layers = range(config.num_layers(top))
        return {
            "kind": "model",
            "name": self.name.text,
            "hash": self.hash,
            "width": width,
            "height": height,
            "precision": dtype_name(SamplingPipeline(generator).precision),
            "layers": [max(config.size(layer // config.layers_per_level)) for layer in layers],
            "psi_layers": config.num_ws,
            "mixes": config.num_ws > 1,
            "directions": min(config.w_dim, MAX_DIRECTIONS),
            "groups": {name: list(span) for name, span in config.layer_groups(top).items()},
            "noise_layers": [layer for layer in noise_layers(config) if layer in layers],
            "classes": config.label_size,
            "class_names": list(generator.class_names or ()),
            "scene": self._first_scene().model_dump(mode="json"),
        }

    def warm_up(self) -> None:
        """Draw once, so that the first page need not wait for what is set up then."""
        self.painter.draw(self._first_scene())

    def _first_scene(self) -> Scene:
        return Scene(label=0 if self.generator.config.label_size else None)

    def answer(self, request: SceneRequest, is_wanted: Callable[[], bool]) -> Answer | None:
        """Draw a request; None if it is not wanted any more.

        Errors that a scene can cause are answers, too.
        """
        started = time.perf_counter()
        about: dict[str, Any] = {"kind": "drawn", "id": request.id, "of": request.kind}
        added: list[float | None] = []

        def keep_going(level: LevelState) -> bool:
            added.append(None if level.rgb is None else float(level.rgb.std()))
            return is_wanted()

        try:
            scene = check_scene(request.scene)
            image = self.painter.draw(scene, keep_going)[0]
        except DrawingStopped:
            return None
        except StylesmithError as error:
            return Answer({"kind": "error", "id": request.id, "message": str(error)})
        except (MemoryError, RuntimeError) as error:  # of torch, such as a device out of memory
            message = f"the picture could not be drawn: {str(error).splitlines()[0]}"
            return Answer({"kind": "error", "id": request.id, "message": message})
        if request.kind == "save":
            png = encode_scene_png(image, scene, model=self.hash)
            return Answer(about, frame_picture(request, self.generator.image_size, png))
        picture = to_pil_image(image).convert("RGBA")
        if request.kind == "thumbnail":
            picture = _shrink(picture)
        else:
            about["milliseconds"] = 1000 * (time.perf_counter() - started)
            about["command"] = self._command(scene)
            about["shares"] = _shares(added)
        size = (picture.height, picture.width)
        return Answer(about, frame_picture(request, size, picture.tobytes()))

    def _command(self, scene: Scene) -> str:
        names = self.generator.class_names
        return scene_command(self.name.text, scene, *self.name.options, class_names=names)


def _shares(added: Sequence[float | None]) -> list[float] | None:
    """Contribution of each level's toRGB to the picture, as a share; None without such parts.

    Args:
        added: Standard deviation of what each level adds; None where it adds nothing of its own.

    Source: StyleGAN2, section 4.1 and Figure 8.
    """
    sizes = [size for size in added if size is not None]
    total = sum(sizes)
    if len(sizes) < max(2, len(added)) or not 0 < total < float("inf"):
        return None
    return [size / total for size in sizes]


def _shrink(picture: Image.Image) -> Image.Image:
    longest = max(picture.size)
    if longest <= THUMBNAIL_PIXELS:
        return picture
    width, height = (max(1, side * THUMBNAIL_PIXELS // longest) for side in picture.size)
    return picture.resize((width, height), Image.Resampling.BOX)
