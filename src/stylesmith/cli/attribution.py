"""`stylesmith attribution`: whether a network made an image (StyleGAN2, section 5.1)."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from stylesmith.choices import DistanceName
from stylesmith.cli import options
from stylesmith.cli import project as projection
from stylesmith.cli.console import print_line, print_problem
from stylesmith.errors import UsageError
from stylesmith.formatting import format_count

if TYPE_CHECKING:
    from stylesmith.inversion import ProjectionSettings
    from stylesmith.networks import Generator

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
        Path | None, typer.Option(help="Folder or zip of real images, to calibrate with.")
    ] = None,
    calibration: Annotated[
        Path | None, typer.Option(help="What a calibration wrote, to judge images by.")
    ] = None,
    out: Annotated[Path, typer.Option(help="The folder of results.")] = Path("attribution"),
    no_noise: projection.NoNoiseOption = False,
    steps: projection.StepsOption = 1000,
    distance: projection.DistanceOption = None,
    form: projection.FormOption = "code",
    class_: options.ClassOption = None,
    seed: options.SeedOption = 0,
    batch: projection.BatchOption = None,
    resume: projection.ResumeOption = False,
    device: options.DeviceOption = "auto",
    force: projection.RestartOption = False,
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

    from stylesmith.inversion import ProjectionSettings
    from stylesmith.models import load

    projection.check_result_folder(out, resume=resume, force=force)
    network = load(model, device=device)
    if images and calibration:
        _judge(network, images, calibration, out, batch=batch, force=force)
    elif real:
        settings = ProjectionSettings(
            steps=steps, noise=not no_noise, form=form, label=class_, seed=seed
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
    from stylesmith.inversion import Projector
    from stylesmith.inversion.attribution import AttributionCalibration
    from stylesmith.inversion.projection_targets import generated_targets, real_targets

    kinds = {
        "generated": generated_targets(generator, count, settings),
        "real": real_targets(real, generator, count, settings),
    }
    optimizer = projection.open_optimizer(generator, settings, distance)
    distances = {}
    for kind, targets in kinds.items():
        projector = Projector(optimizer, out / kind, batch_size=batch)
        print_line(f"Images that are {kind}:")
        results = projection.run_projection(projector, targets, force=force)
        distances[kind] = [result.distance for result in results]
    calibration = AttributionCalibration.from_distances(optimizer, **distances)
    calibration.save(out / "calibration.json")
    print_line(*calibration.separation.describe(calibration.distance))
    _warn_if_poor(calibration.separation.auc)
    print_line(f"-> {out / 'calibration.json'}, histograms.svg, roc.svg")


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
    from stylesmith.inversion import Projector, read_targets
    from stylesmith.inversion.attribution import AttributionVerdict, open_calibration

    optimizer, separation = open_calibration(calibration, generator)
    targets = read_targets(images, generator)
    projector = Projector(optimizer, out, batch_size=batch)
    verdicts = {}
    for result in projection.run_projection(projector, targets, force=force):
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
