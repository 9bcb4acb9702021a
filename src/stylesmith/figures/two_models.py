"""Two models side by side, whose numbers may agree where images do not.

StyleGAN2, Figures 13 and 14.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from stylesmith.devices import FP32
from stylesmith.figures.drawing import FigureLayout, ImagePanel
from stylesmith.figures.sheets import arrange_in_rows, draw_images
from stylesmith.figures.subject import FigureInput, ProgressCallback
from stylesmith.figures.words import describe_sources
from stylesmith.metrics.cache import StatisticsCache
from stylesmith.metrics.checks import COMPARISON_FAMILIES
from stylesmith.metrics.evaluate import EvaluationSettings, evaluate
from stylesmith.metrics.meter import ProgressReporter
from stylesmith.metrics.protocol import Metric, parse_metric, parse_metrics
from stylesmith.metrics.sides import SourceOptions, open_sources
from stylesmith.models import RunFolder
from stylesmith.perception.lpips import LPIPS
from stylesmith.perception.weights import default_weights_folder, find_weight_file
from stylesmith.training.log import read_log

COMPARISON_COLUMNS = 6
SCORE_LABELS = ("FID", "FD", "PPL", "PL", "P", "R")
"""In the order of the paper."""


@dataclass(frozen=True)
class TwoModelSamples:
    """Uncurated images of two models, with their numbers beneath (StyleGAN2, Figures 13 and 14)."""

    figure_number: int
    """Of the figure."""
    data: str
    """What the published networks had learned."""
    seeds: range

    def __call__(self, subject: FigureInput, on_progress: ProgressCallback) -> FigureLayout:
        """Draw both without truncation; measure them, if the user named a count of images."""
        panels, parts = [], []
        for letter, each in zip("ab", (subject, subject.other()), strict=True):
            painter = each.pipeline()
            sources = each.sources(painter, self.seeds)
            images = arrange_in_rows(draw_images(painter, sources, on_progress), COMPARISON_COLUMNS)
            scores, origin = model_scores(each, on_progress)
            beneath, names = format_scores(scores)
            panels.append(ImagePanel(images, title=f"({letter}) {each.name}", text_below=beneath))
            how = f", measured by {names} {origin}" if names else f", {origin}"
            parts.append(f"({letter}) {each.name}{how}")
        caption = (
            f"StyleGAN2, Figure {self.figure_number} (there {self.data}). Uncurated examples from two "
            f"generative models without truncation ({describe_sources(sources)}). {'; '.join(parts)}."
        )
        return FigureLayout(caption, [panels])


TWO_MODELS_CAT = TwoModelSamples(13, "LSUN Cat", range(36))
TWO_MODELS_CAR = TwoModelSamples(14, "LSUN Car", range(100, 136))


def model_scores(
    subject: FigureInput, on_progress: ProgressCallback
) -> tuple[Mapping[str, float | None], str]:
    """A model's numbers by exact name, and where they are from, in words."""
    if subject.options.count:
        return measure_scores(subject, subject.options.count, on_progress), "for this figure"
    scores, images_seen = logged_scores(subject)
    if not scores:
        return scores, "without numbers in a log of training (--count N measures N images)"
    return scores, f"in training, at {images_seen / 1000:g} kimg"


def logged_scores(subject: FigureInput) -> tuple[Mapping[str, float | None], int]:
    """The last numbers of a run's log by exact name, and its images seen; empty if there are none.

    Raises:
        ModelError: If the log is damaged.
    """
    run = RunFolder(subject.path)
    if not (run.exists() and run.log.is_file()):
        return {}, 0
    records = [record for record in read_log(run.log) if record["event"] == "metrics"]
    return (records[-1]["scores"], records[-1]["images_seen"]) if records else ({}, 0)


def measure_scores(
    subject: FigureInput, count: int, on_progress: ProgressCallback
) -> dict[str, float | None]:
    """Numbers of so many images against as many real ones, by exact name.

    Without real images there is the path length alone.

    Raises:
        StylesmithError: If there are too few images, or they don't fit the model.
    """
    names = f"fid{count},ppl2_wend_{count},pr{count}_3"
    extractor = None if has_published_weights(min(subject.generator.image_size)) else "random"
    metrics = parse_metrics(names, extractor=extractor)
    fake, real = open_sources(
        subject.path,
        subject.options.data,
        SourceOptions(subject.device, FP32, on_progress=on_progress),
    )
    if real is None:
        metrics = [metric for metric in metrics if metric.family not in COMPARISON_FAMILIES]
    settings, meter = (
        EvaluationSettings(subject.device, cache=StatisticsCache(None)),
        ProgressReporter(on_progress=on_progress),
    )
    return {result.title: result.value for result in evaluate(fake, real, metrics, settings, meter)}


def has_published_weights(side: int) -> bool:
    """Whether the weights are there, and images are large enough for them."""
    files = (find_weight_file(name) for name in ("inception", "vgg16", "lpips"))
    return side >= LPIPS.min_size and all(
        (default_weights_folder() / file.file_name).is_file() for file in files
    )


def format_scores(scores: Mapping[str, float | None]) -> tuple[str, str]:
    """As the paper has them, `FID = 8.53, PPL = 924, P = 0.62, R = 0.29`; and the exact names."""
    values: dict[str, str] = {}
    names: dict[str, None] = {}
    for name, value in scores.items():
        exact, _, part = name.partition(" ")
        label = score_label(parse_metric(exact), part)
        if label and value is not None and label not in values:
            values[label], names[exact] = f"{value:.3g}", None
    order = [label for label in SCORE_LABELS if label in values]
    return ", ".join(f"{label} = {values[label]}" for label in order), ", ".join(names)


def score_label(metric: Metric, part: str) -> str | None:
    """One of `SCORE_LABELS`, published names for published networks only; None for other metrics."""
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
