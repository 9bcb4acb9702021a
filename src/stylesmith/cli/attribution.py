"""`stylesmith attribution`: did this network make this picture?"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from stylesmith.cli.drawing import ClassOption, DeviceOption, ModelArgument, count_text, print_line
from stylesmith.cli.project import (
    BatchOption,
    DistanceName,
    DistanceOption,
    FormName,
    FormOption,
    NoNoiseOption,
    ResumeOption,
    SeedOption,
    StepsOption,
    check_result_folder,
    open_search,
    print_note,
    run_projection,
)
from stylesmith.cli.train import DeviceName
from stylesmith.errors import UsageError

if TYPE_CHECKING:
    from stylesmith.inversion import ProjectionSettings
    from stylesmith.inversion.attribution import DistanceSeparation
    from stylesmith.networks import Generator

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
    from stylesmith.inversion.attribution import DistanceSeparation, histogram_chart, roc_chart
    from stylesmith.inversion.both_kinds import generated_targets, real_targets
    from stylesmith.inversion.calibration import AttributionCalibration

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
    from stylesmith.inversion.calibration import AttributionVerdict, read_calibration
    from stylesmith.networks.fingerprint import model_hash
    from stylesmith.perception.extractor import open_distance

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
