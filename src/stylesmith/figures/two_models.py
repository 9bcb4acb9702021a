"""Two models side by side, whose numbers may agree where images do not.

StyleGAN2, Figures 13 and 14.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from stylesmith.devices import FP32
from stylesmith.figures.drawing import Drawing, Pictures
from stylesmith.figures.sheets import draw_all, in_rows
from stylesmith.figures.subject import Progress, Subject
from stylesmith.figures.words import sources_text
from stylesmith.metrics.cache import Cache
from stylesmith.metrics.checks import COMPARING
from stylesmith.metrics.evaluate import Settings, evaluate
from stylesmith.metrics.meter import Meter
from stylesmith.metrics.protocol import Metric, parse_metric, parse_metrics
from stylesmith.metrics.sides import Opening, open_sides
from stylesmith.models import RunFolder
from stylesmith.perception.lpips import LPIPS
from stylesmith.perception.weights import default_folder, find_weight_file
from stylesmith.training.log import read_log

COLUMNS = 6
LABELS = ("FID", "FD", "PPL", "PL", "P", "R")
"""In the order of the paper."""


@dataclass(frozen=True)
class TwoModels:
    """Uncurated images of two models, with their numbers beneath (StyleGAN2, Figures 13 and 14)."""

    figure_number: int
    """Of the figure."""
    data: str
    """What the published networks had learned."""
    seeds: range

    def __call__(self, subject: Subject, on_progress: Progress) -> Drawing:
        """Draw both without truncation; measure them, if the user named a count of images."""
        panels, parts = [], []
        for letter, each in zip("ab", (subject, subject.other()), strict=True):
            painter = each.pipeline()
            sources = each.sources(painter, self.seeds)
            images = in_rows(draw_all(painter, sources, on_progress), COLUMNS)
            scores, origin = numbers(each, on_progress)
            beneath, names = scores_text(scores)
            panels.append(Pictures(images, title=f"({letter}) {each.name}", text_below=beneath))
            how = f", measured by {names} {origin}" if names else f", {origin}"
            parts.append(f"({letter}) {each.name}{how}")
        caption = (
            f"StyleGAN2, Figure {self.figure_number} (there {self.data}). Uncurated examples from two "
            f"generative models without truncation ({sources_text(sources)}). {'; '.join(parts)}."
        )
        return Drawing(caption, [panels])


CATS = TwoModels(13, "LSUN Cat", range(36))
CARS = TwoModels(14, "LSUN Car", range(100, 136))


def numbers(subject: Subject, on_progress: Progress) -> tuple[Mapping[str, float | None], str]:
    """A model's numbers by exact name, and where they are from, in words."""
    if subject.options.count:
        return measured(subject, subject.options.count, on_progress), "for this figure"
    scores, images_seen = logged(subject)
    if not scores:
        return scores, "without numbers in a log of training (--count N measures N images)"
    return scores, f"in training, at {images_seen / 1000:g} kimg"


def logged(subject: Subject) -> tuple[Mapping[str, float | None], int]:
    """The last numbers of a run's log by exact name, and its images seen; empty if there are none.

    Raises:
        ModelError: If the log is damaged.
    """
    run = RunFolder(subject.path)
    if not (run.exists() and run.log.is_file()):
        return {}, 0
    records = [record for record in read_log(run.log) if record["event"] == "metrics"]
    return (records[-1]["scores"], records[-1]["images_seen"]) if records else ({}, 0)


def measured(subject: Subject, count: int, on_progress: Progress) -> dict[str, float | None]:
    """Numbers of so many images against as many real ones, by exact name.

    Without real images there is the path length alone.

    Raises:
        StylesmithError: If there are too few images, or they don't fit the model.
    """
    names = f"fid{count},ppl2_wend_{count},pr{count}_3"
    extractor = None if published_networks(min(subject.generator.image_size)) else "random"
    metrics = parse_metrics(names, extractor=extractor)
    fake, real = open_sides(
        subject.path, subject.options.data, Opening(subject.device, FP32, on_progress=on_progress)
    )
    if real is None:
        metrics = [metric for metric in metrics if metric.family not in COMPARING]
    settings, meter = Settings(subject.device, cache=Cache(None)), Meter(on_progress=on_progress)
    return {result.title: result.value for result in evaluate(fake, real, metrics, settings, meter)}


def published_networks(side: int) -> bool:
    """Whether the weights are there, and images are large enough for them."""
    files = (find_weight_file(name) for name in ("inception", "vgg16", "lpips"))
    return side >= LPIPS.min_size and all(
        (default_folder() / file.file_name).is_file() for file in files
    )


def scores_text(scores: Mapping[str, float | None]) -> tuple[str, str]:
    """As the paper has them, `FID = 8.53, PPL = 924, P = 0.62, R = 0.29`; and the exact names."""
    values: dict[str, str] = {}
    names: dict[str, None] = {}
    for name, value in scores.items():
        exact, _, part = name.partition(" ")
        label = short_name(parse_metric(exact), part)
        if label and value is not None and label not in values:
            values[label], names[exact] = f"{value:.3g}", None
    order = [label for label in LABELS if label in values]
    return ", ".join(f"{label} = {values[label]}" for label in order), ", ".join(names)


def short_name(metric: Metric, part: str) -> str | None:
    """One of `LABELS`, published names for published networks only; None for other metrics."""
    if metric.mixed_latents > 1:
        return None
    match metric.family:
        case "fd":
            return "FID" if metric.network == "inception" else "FD"
        case "ppl":
            return "PPL" if metric.network == "lpips" else "PL"
        case "pr":
            return {"precision": "P", "recall": "R"}.get(part)
    return None
