"""Commands `project` and `attribution`: latent codes that reproduce an image.

Source: StyleGAN2, section 5.
"""

import time
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from stylesmith.cli.console import error_console, progress_bar
from stylesmith.cli.options import ClassOption, DeviceOption, ModelArgument, count_text, print_line
from stylesmith.cli.train import DeviceName
from stylesmith.errors import OutputError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from stylesmith.inversion import (
        LatentOptimizer,
        ProjectionResult,
        ProjectionSettings,
        ProjectionTarget,
        Projector,
    )
    from stylesmith.networks import Generator
if TYPE_CHECKING:
    from stylesmith.inversion import ProjectionSettings
    from stylesmith.inversion.attribution import DistanceSeparation
    from stylesmith.networks import Generator


ESTIMATE_AFTER_SECONDS = 3.0
"""Seconds of steps that tell how long all will take."""


class SpaceName(StrEnum):
    """Choices of --space."""

    w = "w"
    w_plus = "w+"


class FormName(StrEnum):
    """Choices of --form."""

    code = "code"
    paper = "paper"


class DistanceName(StrEnum):
    """Choices of --distance."""

    lpips = "lpips"
    random = "random"
    pixels = "pixels"


class VideoName(StrEnum):
    """Choices of --video."""

    mp4 = "mp4"
    webm = "webm"
    gif = "gif"
    webp = "webp"


SpaceOption = Annotated[
    SpaceName, typer.Option(help="One w for all layers, or one for each: closer, harder to edit.")
]
NoNoiseOption = Annotated[
    bool, typer.Option("--no-noise", help="Leave the network's noise maps as they are.")
]
StepsOption = Annotated[int, typer.Option(min=1, help="Steps for each picture.")]
DistanceOption = Annotated[
    DistanceName | None,
    typer.Option("--distance", help="What to go by; lpips where its weights are, else random."),
]
FormOption = Annotated[
    FormName,
    typer.Option("--form", help="Whom to follow where the paper and its published code differ."),
]
SeedOption = Annotated[int, typer.Option(min=0, help="Another seed searches another way.")]
BatchOption = Annotated[
    int | None, typer.Option(min=1, help="Pictures at once; else by the size of the images.")
]
ResumeOption = Annotated[bool, typer.Option("--resume", help="Go on with what is in OUT.")]


def project(
    model: ModelArgument,
    images: Annotated[list[Path], typer.Argument(help="PNG, JPEG or WebP files of any size.")],
    out: Annotated[Path, typer.Option(help="The folder of results, one folder for each.")] = Path(
        "projected"
    ),
    space: SpaceOption = SpaceName.w,
    no_noise: NoNoiseOption = False,
    steps: StepsOption = 1000,
    stop_at: Annotated[
        float | None, typer.Option(min=0, help="Stop at a picture once its distance is this.")
    ] = None,
    distance: DistanceOption = None,
    form: FormOption = FormName.code,
    class_: ClassOption = None,
    seed: SeedOption = 0,
    batch: BatchOption = None,
    video: Annotated[
        VideoName | None, typer.Option(help="Write a video of each search, of this kind.")
    ] = None,
    tune: Annotated[
        bool,
        typer.Option("--tune", help="Then tune a copy of the network to each picture, too."),
    ] = False,
    tune_steps: Annotated[int, typer.Option(min=1, help="Steps of --tune.")] = 350,
    resume: ResumeOption = False,
    device: DeviceOption = DeviceName.auto,
    force: Annotated[bool, typer.Option("--force", help="Start anew if OUT exists.")] = False,
) -> None:
    """Find the codes that draw a picture (StyleGAN2, appendix D).

    Each picture gets a folder: latent.safetensors, which draws it again wherever a seed is
    accepted, what was wanted and found, their difference, and the loss. With --tune also a model
    folder, tuned/, which draws a photograph that the network could not draw (pivotal tuning).

    Examples:
    `stylesmith project runs/photos me.png --out projected/`

    `stylesmith generate runs/photos --seeds projected/me/latent.safetensors --out me-again.png`
    """
    from stylesmith.inversion import ProjectionSettings, Projector, read_targets
    from stylesmith.models import load
    from stylesmith.sampling.video import check_video_path

    check_result_folder(out, resume=resume, force=force)
    if video is not None:
        check_video_path(out / f"search.{video.value}")
    settings = ProjectionSettings(
        steps=steps,
        space=space.value,
        noise=not no_noise,
        form=form.value,
        stop_at=stop_at,
        label=class_,
        seed=seed,
    )
    generator = load(model, device=device.value)
    targets = read_targets(images, generator)
    for target in targets:
        if target.changes:
            print_line(f"{target.source}: {target.changes}")
    projector = Projector(open_search(generator, settings, distance), out)
    projector.batch_size, projector.video = batch, f".{video.value}" if video else None
    if force:
        projector.remove_results(targets)
    done = []
    for found in run_projection(projector, targets):
        print_found(found)
        done.append(found)
    if tune:
        _tune_found(projector, done, tune_steps, seed)


def check_result_folder(out: Path, *, resume: bool, force: bool) -> None:
    """Refuse a folder that holds results, unless the user says what shall become of them."""
    if out.is_file():
        raise OutputError(f"{out}: is a file; wanted a folder for the results")
    if out.is_dir() and any(out.iterdir()) and not (resume or force):
        raise OutputError(
            f"{out}: exists already. Choose another name, or add --resume to go on with what is "
            "there, or --force to start anew."
        )


def open_search(
    generator: "Generator", settings: "ProjectionSettings", distance: DistanceName | None
) -> "LatentOptimizer":
    """A search by the distance that was named, or that there is."""
    from stylesmith.inversion import open_optimizer

    optimizer, reason = open_optimizer(generator, settings, distance.value if distance else None)
    if reason:
        print_note(reason)
    if settings.label is None and generator.config.label_size:
        print_line("No --class: the search starts at the mean of all classes")
    return optimizer


def run_projection(
    projector: "Projector", targets: "Sequence[ProjectionTarget]"
) -> "Iterator[ProjectionResult]":
    """Project with a progress bar; say how long it will take as soon as that is known."""
    start, begun, told = time.monotonic(), 0, False
    search = projector.optimizer
    print_line(
        f"Projecting {count_text(len(targets), 'picture')}: {search.settings.steps} steps in "
        f"{search.settings.space}, by the distance {search.distance.name!r}"
    )
    with progress_bar("Steps of pictures") as advance:

        def on_progress(done: int, total: int) -> None:
            nonlocal start, begun, told
            if begun == 0:  # the first step is slower than the others
                start, begun = time.monotonic(), done
            elif not told and time.monotonic() - start > ESTIMATE_AFTER_SECONDS:
                rest = (time.monotonic() - start) / (done - begun) * (total - done)
                print_line(
                    f"About {rest / 60:.0f} minutes" if rest > 90 else f"About {rest:.0f} seconds"
                )
                told = True
            advance(done, total)

        projector.on_progress = on_progress
        yield from projector.project(targets)


def print_found(found: "ProjectionResult") -> None:
    """One line about a finished picture."""
    made_by = found.summary["made_by"]
    print_line(
        f"{found.target.source}: distance {found.distance:.5f} ({made_by['distance']}) after "
        f"{count_text(found.summary['steps'], 'step')} -> {found.folder.latent}"
    )


def _tune_found(
    projector: "Projector", done: "list[ProjectionResult]", steps: int, seed: int
) -> None:
    from stylesmith.inversion.pivotal_tuning import (
        PivotalTuner,
        PivotalTuningSettings,
        tune_projection,
    )

    settings = PivotalTuningSettings(steps=steps, seed=seed)
    tuner = PivotalTuner(projector.optimizer, settings)
    for found in done:
        with progress_bar("Tuning") as advance:
            tuned = tune_projection(found, tuner, projector.pipeline, on_progress=advance)
        print_line(
            f"{found.target.source}: distance {tuned.distance:.5f} after tuning, "
            f"{found.distance:.5f} before -> {tuned.folder.path}"
        )


def print_note(text: str) -> None:
    """A line on stderr that users should know of."""
    error_console.print(f"note: {text}", markup=False, soft_wrap=True)


MIN_RELIABLE_AUC = 0.95
"""AUC below which a line warns of verdicts."""


def attribution(
    model: ModelArgument,
    images: Annotated[
        list[Path] | None, typer.Argument(help="Pictures to judge; without any, calibrate.")
    ] = None,
    generated: Annotated[
        int, typer.Option(min=2, help="Images of each kind to calibrate with.")
    ] = 50,
    real: Annotated[
        Path | None, typer.Option(help="Folder or zip of real images, to calibrate with.")
    ] = None,
    calibration: Annotated[
        Path | None, typer.Option(help="What a calibration wrote, to judge pictures by.")
    ] = None,
    out: Annotated[Path, typer.Option(help="The folder of results.")] = Path("attribution"),
    no_noise: NoNoiseOption = False,
    steps: StepsOption = 1000,
    distance: DistanceOption = None,
    form: FormOption = FormName.code,
    class_: ClassOption = None,
    seed: SeedOption = 0,
    batch: BatchOption = None,
    resume: ResumeOption = False,
    device: DeviceOption = DeviceName.auto,
    force: Annotated[bool, typer.Option("--force", help="Start anew if OUT exists.")] = False,
) -> None:
    """Tell whether this network made a picture, by how close it projects (StyleGAN2, section 5.1).

    First calibrate: project images of the network and real ones. Then judge pictures, by the
    settings of the calibration.

    Examples:
    `stylesmith attribution runs/photos --generated 50 --real photos.zip --out attribution/`

    `stylesmith attribution runs/photos me.png --calibration attribution/calibration.json --out me/`
    """
    if (real is None) == (calibration is None) or bool(images) != (calibration is not None):
        raise UsageError(
            "wanted either --real DATA, to calibrate, or pictures and --calibration FILE, to judge"
        )

    from stylesmith.inversion import ProjectionSettings
    from stylesmith.models import load

    check_result_folder(out, resume=resume, force=force)
    network = load(model, device=device.value)
    if images and calibration:
        _judge(network, images, calibration, out, batch=batch, force=force)
        return
    assert real is not None
    settings = ProjectionSettings(
        steps=steps, noise=not no_noise, form=form.value, label=class_, seed=seed
    )
    _calibrate(network, settings, distance, generated, real, out, batch=batch, force=force)


def _calibrate(
    generator: "Generator",
    settings: "ProjectionSettings",
    distance: DistanceName | None,
    count: int,
    real: Path,
    out: Path,
    *,
    batch: int | None,
    force: bool,
) -> None:
    from stylesmith import files
    from stylesmith.inversion import Projector
    from stylesmith.inversion.attribution import (
        AttributionCalibration,
        DistanceSeparation,
        histogram_chart,
        roc_chart,
    )
    from stylesmith.inversion.projection_targets import generated_targets, real_targets

    kinds = {
        "generated": generated_targets(generator, count, settings),
        "real": real_targets(real, generator, count, settings),
    }
    search = open_search(generator, settings, distance)
    distances = {}
    for kind, targets in kinds.items():
        projector = Projector(search, out / kind, batch_size=batch)
        if force:
            projector.remove_results(targets)
        print_line(f"Images that are {kind}:")
        distances[kind] = [found.distance for found in run_projection(projector, targets)]
    found = DistanceSeparation.from_distances(distances["generated"], distances["real"])
    name, weights = search.distance.name, search.distance.weights_hash
    AttributionCalibration(found, projector.pipeline.model_hash, name, weights, settings).save(
        out / "calibration.json"
    )
    files.write_text(out / "histograms.svg", histogram_chart(found, distance=name))
    files.write_text(out / "roc.svg", roc_chart(found))
    _print_separation(found, name)
    print_line(f"-> {out / 'calibration.json'}, histograms.svg, roc.svg")


def _print_separation(found: "DistanceSeparation", distance: str) -> None:
    from statistics import median

    own, other = median(found.generated), median(found.real)
    ratio = f", ratio {own / other:.3f}" if other else ""
    print_line(f"Median distance ({distance}): generated {own:.5f}, real {other:.5f}{ratio}")
    recognized, mistaken = (
        f"{100 * share:.0f}%"
        for share in (
            found.true_positive_rate(found.threshold),
            found.false_positive_rate(found.threshold),
        )
    )
    print_line(
        f"AUC {found.auc:.3f}; below the threshold {found.threshold:.5f}: {recognized} of "
        f"generated images, {mistaken} of real ones"
    )
    _warn_if_poor(found.auc)


def _judge(
    generator: "Generator",
    images: list[Path],
    calibration: Path,
    out: Path,
    *,
    batch: int | None,
    force: bool,
) -> None:
    from stylesmith import files
    from stylesmith.inversion import LatentOptimizer, Projector, read_targets
    from stylesmith.inversion.attribution import AttributionVerdict, read_calibration
    from stylesmith.networks.build import model_hash
    from stylesmith.perception.extractors import open_distance

    learned = read_calibration(calibration, model=model_hash(generator))
    targets = read_targets(images, generator)
    distance = open_distance(learned.distance, generator.mapping.w_avg.device)
    if distance.weights_hash != learned.distance_weights:
        raise UsageError(
            f"{calibration}: was made with other weights of the distance {distance.name!r}; "
            "calibrate anew"
        )
    projector = Projector(
        LatentOptimizer(generator, distance, learned.settings), out, batch_size=batch
    )
    if force:
        projector.remove_results(targets)
    verdicts = {}
    for found in run_projection(projector, targets):
        verdict = AttributionVerdict(found.distance, learned.separation)
        verdicts[found.target.source] = verdict.describe()
        answer = "made by this network" if verdict.generated else "not made by this network"
        print_line(f"{found.target.source}: {answer}: {verdict.evidence}")
        if found.target.changes:
            print_note(
                f"{found.target.source}: {found.target.changes}; a picture that was changed after "
                "it was made projects worse"
            )
    _warn_if_poor(learned.separation.auc)
    files.write_json(out / "verdicts.json", verdicts)
    print_line(f"{count_text(len(verdicts), 'verdict')} -> {out / 'verdicts.json'}")


def _warn_if_poor(auc: float) -> None:
    if auc < MIN_RELIABLE_AUC:
        print_note(
            f"AUC {auc:.3f}: distances hardly tell the two kinds apart for this network; do not "
            "rely on verdicts"
        )
