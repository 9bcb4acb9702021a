"""`stylesmith project` and `attribution`: latent codes that reproduce images, and what they tell.

Source: StyleGAN2, section 5.
"""

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from stylesmith import files
from stylesmith.choices import DistanceName, ProjectionForm, ProjectionSpace
from stylesmith.cli import options
from stylesmith.cli.console import print_line, print_problem, progress_bar
from stylesmith.errors import OutputError, UsageError
from stylesmith.formatting import format_count, format_duration

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from stylesmith import inversion
    from stylesmith.inversion.attribution import DistanceSeparation
    from stylesmith.networks import Generator

ESTIMATE_AFTER_SECONDS = 3.0
"""Seconds of steps that tell how long all will take."""

NoNoiseOption = Annotated[
    bool, typer.Option("--no-noise", help="Leave the network's noise maps as they are.")
]
StepsOption = Annotated[int, typer.Option(min=1, help="Optimization steps for each image.")]
DistanceOption = Annotated[
    DistanceName | None,
    typer.Option(help="Distance to minimize; lpips where its weights are, else random."),
]
FormOption = Annotated[
    ProjectionForm,
    typer.Option(help="Which to follow where the paper and its published code differ."),
]
BatchOption = Annotated[int | None, typer.Option(min=1, help="Images at once; else by size.")]
ResumeOption = Annotated[bool, typer.Option("--resume", help="Go on with what is in OUT.")]
RestartOption = Annotated[bool, typer.Option("--force", help="Start anew if OUT exists.")]


def project(
    model: options.ModelArgument,
    images: Annotated[list[Path], typer.Argument(help="PNG, JPEG or WebP files of any size.")],
    out: Annotated[Path, typer.Option(help="The folder of results, one folder for each.")] = Path(
        "projected"
    ),
    space: Annotated[
        ProjectionSpace,
        typer.Option(help="One w for all layers, or one for each: closer, harder to edit."),
    ] = "w",
    no_noise: NoNoiseOption = False,
    steps: StepsOption = 1000,
    stop_at: Annotated[
        float | None, typer.Option(min=0, help="Stop at an image once its distance is this.")
    ] = None,
    distance: DistanceOption = None,
    form: FormOption = "code",
    class_: options.ClassOption = None,
    label: options.LabelOption = None,
    seed: options.SeedOption = 0,
    batch: BatchOption = None,
    video: Annotated[
        Literal["mp4", "webm", "gif", "webp"] | None,
        typer.Option(help="Write a video of each projection, of this kind."),
    ] = None,
    tune: Annotated[
        bool, typer.Option("--tune", help="Then tune a copy of the network to each image, too.")
    ] = False,
    tune_steps: Annotated[int, typer.Option(min=1, help="Steps of --tune.")] = 350,
    resume: ResumeOption = False,
    device: options.DeviceOption = "auto",
    threads: options.ThreadsOption = None,
    force: RestartOption = False,
) -> None:
    """Find the codes that draw an image (StyleGAN2, appendix D).

    Each image gets a folder: latent.safetensors, which draws it again wherever a seed is accepted,
    the target and the result, their difference, and the loss. With --tune also a model folder,
    tuned/, which draws a photograph that the network could not draw (pivotal tuning).

    Examples:
    `stylesmith project runs/photos me.png --out projected/`

    `stylesmith generate runs/photos --seeds projected/me/latent.safetensors --out me-again.png`
    """
    from stylesmith.devices import set_threads
    from stylesmith.inversion import ProjectionSettings, Projector, pivotal_tuning, read_targets
    from stylesmith.models import load
    from stylesmith.networks.sample_inputs import prefer_class_name
    from stylesmith.sampling.video import check_video_path

    set_threads(threads)
    chosen = options.choose_label(class_, label)
    check_result_folder(out, resume=resume, force=force)
    suffix = f".{video}" if video else None
    if suffix:
        check_video_path(out / f"search{suffix}")
    generator = load(model, device=device)
    settings = ProjectionSettings(
        steps=steps,
        space=space,
        noise=not no_noise,
        form=form,
        stop_at=stop_at,
        label=prefer_class_name(chosen, generator.class_names),
        seed=seed,
    )
    targets = read_targets(images, generator)
    print_line(*(f"{target.source}: {target.changes}" for target in targets if target.changes))
    optimizer = open_optimizer(generator, settings, distance)
    projector = Projector(optimizer, out, batch_size=batch, video=suffix)
    results = []
    for result in run_projection(projector, targets, force=force):
        taken = format_count(result.summary["steps"], "step")
        measured = f"{result.distance:.5f} ({result.summary['made_by']['distance']})"
        print_line(
            f"{result.target.source}: distance {measured} after {taken} -> {result.folder.latent}"
        )
        results.append(result)
    if not tune:
        return
    tuning = pivotal_tuning.PivotalTuningSettings(steps=tune_steps, seed=seed)
    tuner = pivotal_tuning.PivotalTuner(optimizer, tuning)
    for result in results:
        with progress_bar("Tuning") as advance:
            tuned = pivotal_tuning.tune_projection(
                result, tuner, projector.pipeline, on_progress=advance
            )
        print_line(
            f"{result.target.source}: distance {tuned.distance:.5f} after tuning, "
            f"{result.distance:.5f} before -> {tuned.folder.path}"
        )


def check_result_folder(out: Path, *, resume: bool, force: bool) -> None:
    """Refuse a folder that holds results, unless the user says what shall become of them."""
    if out.is_file():
        raise OutputError(f"{out}: is a file; wanted a folder for the results")
    if out.is_dir() and any(out.iterdir()) and not (resume or force):
        raise OutputError(
            f"{out}: exists already. Choose another name, or add --resume to go on with what is "
            "there, or --force to start anew."
        )


def open_optimizer(
    generator: "Generator", settings: "inversion.ProjectionSettings", distance: DistanceName | None
) -> "inversion.LatentOptimizer":
    """An optimizer by the distance that was named, or that there is."""
    from stylesmith import inversion

    optimizer, reason = inversion.open_optimizer(generator, settings, distance)
    if reason:
        print_problem("note", reason)
    if settings.label is None and generator.config.label_size:
        print_line("No --class: the search starts at the mean of all classes")
    return optimizer


def run_projection(
    projector: "inversion.Projector",
    targets: "Sequence[inversion.ProjectionTarget]",
    *,
    force: bool,
) -> "Iterator[inversion.ProjectionResult]":
    """Project with a progress bar; say how long it will take as soon as that is known."""
    start, begun, told = time.monotonic(), 0, False
    optimizer = projector.optimizer
    if force:
        projector.remove_results(targets)
    print_line(
        f"Projecting {format_count(len(targets), 'image')}: {optimizer.settings.steps} steps in "
        f"{optimizer.settings.space}, by the distance {optimizer.distance.name!r}"
    )
    with progress_bar("Steps of images") as advance:

        def on_progress(done: int, total: int) -> None:
            nonlocal start, begun, told
            if begun == 0:  # the first step is slower than the others
                start, begun = time.monotonic(), done
            elif not told and time.monotonic() - start > ESTIMATE_AFTER_SECONDS:
                rest = (time.monotonic() - start) / (done - begun) * (total - done)
                print_line(f"About {format_duration(rest)}")
                told = True
            advance(done, total)

        projector.on_progress = on_progress
        yield from projector.project(targets)


MIN_RELIABLE_AUC = 0.95
"""AUC below which a line warns of verdicts."""


def attribution(
    model: options.ModelArgument,
    images: Annotated[
        list[Path] | None, typer.Argument(help="Images to judge; without any, calibrate.")
    ] = None,
    generated: Annotated[
        int, typer.Option(min=2, help="Images to calibrate with, of the network and real ones.")
    ] = 50,
    real: Annotated[
        Path | None,
        typer.Option(help="Real images to calibrate with: a folder, zip or container."),
    ] = None,
    calibration: Annotated[
        Path | None, typer.Option(help="What a calibration wrote, to judge images by.")
    ] = None,
    out: Annotated[Path, typer.Option(help="The folder of results.")] = Path("attribution"),
    no_noise: NoNoiseOption = False,
    steps: StepsOption = 1000,
    distance: DistanceOption = None,
    form: FormOption = "code",
    class_: options.ClassOption = None,
    label: options.LabelOption = None,
    seed: options.SeedOption = 0,
    batch: BatchOption = None,
    resume: ResumeOption = False,
    device: options.DeviceOption = "auto",
    threads: options.ThreadsOption = None,
    force: RestartOption = False,
) -> None:
    """Tell whether this network made an image, by how close it projects (StyleGAN2, section 5.1).

    First calibrate: project images of the network and real ones. Then judge images, by the settings
    of the calibration.

    Examples:
    `stylesmith attribution runs/photos --generated 50 --real photos.zip --out attribution/`

    `stylesmith attribution runs/photos me.png --calibration attribution/calibration.json --out me/`
    """
    if (real is None) == (calibration is None) or bool(images) != (calibration is not None):
        raise UsageError(
            "wanted either --real DATA, to calibrate, or images and --calibration FILE, to judge"
        )

    from stylesmith.devices import set_threads
    from stylesmith.inversion import ProjectionSettings, Projector, read_targets
    from stylesmith.inversion.attribution import AttributionCalibration, open_calibration
    from stylesmith.inversion.projection_targets import generated_targets, real_targets
    from stylesmith.models import load
    from stylesmith.networks.sample_inputs import prefer_class_name

    set_threads(threads)
    chosen = options.choose_label(class_, label)
    check_result_folder(out, resume=resume, force=force)
    network = load(model, device=device)
    if images and calibration:
        optimizer, separation = open_calibration(calibration, network)
        projector = Projector(optimizer, out, batch_size=batch)
        results = run_projection(projector, read_targets(images, network), force=force)
        _judge(results, separation, out)
    elif real:
        settings = ProjectionSettings(
            steps=steps,
            noise=not no_noise,
            form=form,
            label=prefer_class_name(chosen, network.class_names),
            seed=seed,
        )
        targets = {
            "generated": generated_targets(network, generated, settings),
            "real": real_targets(real, network, generated, settings),
        }
        optimizer = open_optimizer(network, settings, distance)
        distances = {}
        for kind in targets:
            projector = Projector(optimizer, out / kind, batch_size=batch)
            print_line(f"Images that are {kind}:")
            results = run_projection(projector, targets[kind], force=force)
            distances[kind] = [result.distance for result in results]
        found = AttributionCalibration.from_distances(optimizer, **distances)
        found.save(out / "calibration.json")
        print_line(*found.separation.describe(found.distance))
        _warn_if_poor(found.separation.auc)
        print_line(f"-> {out / 'calibration.json'}, histograms.svg, roc.svg")


def _judge(
    results: "Iterable[inversion.ProjectionResult]", separation: "DistanceSeparation", out: Path
) -> None:
    """Print a verdict for each image as soon as it is known, and write all of them."""
    from stylesmith.inversion.attribution import AttributionVerdict

    verdicts = {}
    for result in results:
        source, changes = result.target.source, result.target.changes
        verdict = AttributionVerdict(result.distance, separation)
        verdicts[source] = verdict.describe()
        answer = "made by this network" if verdict.generated else "not made by this network"
        print_line(f"{source}: {answer}: {verdict.evidence}")
        if changes:
            changed = "an image that was changed after it was made projects worse"
            print_problem("note", f"{source}: {changes}; {changed}")
    _warn_if_poor(separation.auc)
    files.write_json(out / "verdicts.json", verdicts)
    print_line(f"{format_count(len(verdicts), 'verdict')} -> {out / 'verdicts.json'}")


def _warn_if_poor(auc: float) -> None:
    if auc < MIN_RELIABLE_AUC:
        print_problem(
            "note",
            f"AUC {auc:.3f}: distances hardly tell generated and real images apart for this "
            "network; do not rely on verdicts",
        )
