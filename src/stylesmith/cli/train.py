"""`stylesmith train`: start a run, or go on with one."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from stylesmith.cli.console import console, progress_bar
from stylesmith.errors import UsageError

if TYPE_CHECKING:
    from stylesmith.runs import RunOptions


@dataclass(frozen=True)
class TrainingDataOptions:
    """Which images to train on, as the options tell it."""

    path: Path
    resolution: str | None
    channels: int | None
    conditional: bool
    mirror: bool
    skip_bad: bool


class DeviceName(StrEnum):
    """Choices of --device."""

    auto = "auto"
    cpu = "cpu"
    cuda = "cuda"
    mps = "mps"


def train(
    data: Annotated[
        Path | None,
        typer.Argument(help="Folder or zip of images; with --resume, where they are now."),
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Folder of the new run.")] = None,
    preset: Annotated[
        str, typer.Option(help="Configuration to start from; `stylesmith presets` lists them.")
    ] = "auto",
    resume: Annotated[
        Path | None, typer.Option(help="Go on with this run, exactly where it stopped.")
    ] = None,
    kimg: Annotated[
        float | None, typer.Option(min=0.001, help="Length of the run in thousands of images.")
    ] = None,
    scale_schedule: Annotated[
        bool,
        typer.Option(
            "--scale-schedule",
            help="With --kimg: shorten or stretch every phase in proportion, growing included.",
        ),
    ] = False,
    minutes: Annotated[
        float | None, typer.Option(min=0.001, help="Stop after so many minutes from now.")
    ] = None,
    conditional: Annotated[
        bool, typer.Option("--conditional", help="Learn the classes or labels of the data.")
    ] = False,
    mirror: Annotated[
        bool, typer.Option("--mirror", help="Flip images at random; doubles the data.")
    ] = False,
    resolution: Annotated[
        str | None,
        typer.Option(help="Crop and resize while reading: 256, or WIDTHxHEIGHT as in 512x384."),
    ] = None,
    channels: Annotated[
        int | None, typer.Option(help="1 gray, 3 color, 4 with transparency.")
    ] = None,
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", help="Change a setting, as in training.r1_gamma=1. Repeatable."),
    ] = None,
    metrics: Annotated[
        str | None,
        typer.Option(help="Measure on the way and keep the best model: fid10k, fd_random_5k, ..."),
    ] = None,
    metrics_every: Annotated[
        float | None, typer.Option(min=0.001, help="Thousands of images between measurements.")
    ] = None,
    seed: Annotated[
        int | None, typer.Option(min=0, help="Start of every random number; 0 by default.")
    ] = None,
    device: Annotated[DeviceName, typer.Option(help="Where to compute.")] = DeviceName.auto,
    skip_bad: Annotated[
        bool, typer.Option("--skip-bad", help="Leave unreadable images out.")
    ] = False,
    tensorboard: Annotated[
        bool, typer.Option("--tensorboard", help="Also write curves for TensorBoard.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would run, and what it takes; then stop.")
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace the run in OUT.")] = False,
) -> None:
    """Train a generator on a folder or zip of pictures.

    Without a preset, settings are chosen from your data and machine. The run folder gets a log,
    sample pictures, checkpoints, the model, and `report.html` to look at. Ctrl-C saves and stops;
    `--resume` goes on from there, for `--minutes` more or up to `--kimg`.

    Examples:
    `stylesmith train photos.zip --out runs/photos --minutes 60`

    `stylesmith train --resume runs/photos --minutes 60`

    `torchrun --nproc-per-node 8 -m stylesmith train photos.zip --out runs/photos`
    """
    from stylesmith import runs
    from stylesmith.devices import choose_device
    from stylesmith.training.trainer import RunLimits

    session = runs.RunOptions(
        device=choose_device(device.value),
        limits=RunLimits(minutes, ignore_length=bool(resume and minutes and not kimg)),
        tensorboard=tensorboard,
        force=force,
    )
    for name, value in {"--kimg": kimg, "--minutes": minutes}.items():
        if value is not None and not math.isfinite(value):
            raise UsageError(f"{name} {value}: wanted a finite number")
    if scale_schedule and kimg is None:
        raise UsageError("--scale-schedule: wanted --kimg too, the length to scale to")
    settings = list(set_ or [])
    if kimg and not scale_schedule:
        settings.append(f"training.kimg={kimg:.12g}")
    settings += _metric_settings(metrics, metrics_every)
    if resume:
        values = {"--out": out, "--resolution": resolution, "--channels": channels}
        flags = {"--conditional": conditional, "--mirror": mirror}
        flags |= {"--scale-schedule": scale_schedule}
        named = [name for name, value in (values | {"--seed": seed}).items() if value is not None]
        named += [name for name, on in (flags | {"--force": force}).items() if on]
        named += ["--preset"] if preset != "auto" else []
        moved = {"path": str(data.resolve())} if data else {}
        changed = moved | ({"skip_bad": True} if skip_bad else {})
        _resume_run(resume, changed, settings, named, session, dry_run=dry_run)
        return
    if data is None or (out is None and not dry_run):
        raise UsageError(
            "wanted DATA and --out, as in `stylesmith train photos.zip --out runs/photos`; or "
            "--resume RUN"
        )
    source = TrainingDataOptions(data, resolution, channels, conditional, mirror, skip_bad)
    settings = [*([f"training.seed={seed}"] if seed is not None else []), *settings]
    length = kimg if scale_schedule else None
    _start_run(source, out, preset, settings, length, session, dry_run=dry_run)


def _metric_settings(metrics: str | None, every: float | None) -> list[str]:
    """The two options as settings of the run."""
    import json

    names = [name.strip() for name in (metrics or "").split(",") if name.strip()]
    chosen = [f"output.metrics={json.dumps(names)}"] if names else []
    return [*chosen, *([f"output.metrics_kimg={every:.12g}"] if every else [])]


def _start_run(
    source: TrainingDataOptions,
    out: Path | None,
    preset: str,
    settings: list[str],
    scaled_to: float | None,
    session: "RunOptions",
    *,
    dry_run: bool,
) -> None:
    from stylesmith import files, runs
    from stylesmith.config import apply_overrides, parse_size
    from stylesmith.data.dataset import open_dataset
    from stylesmith.presets import find_preset

    chosen = find_preset(preset)
    if source.channels not in (None, 1, 3, 4):
        raise UsageError(f"--channels {source.channels}: wanted 1, 3 or 4")
    if out is not None and not dry_run:
        files.check_absent(out, force=session.force)  # again later, but this saves the wait
    with progress_bar("Reading") as advance:
        dataset = open_dataset(
            source.path,
            size=parse_size(source.resolution) if source.resolution else None,
            channels=source.channels,
            skip_bad=source.skip_bad,
            on_progress=advance,
        )
    for name, reason in dataset.skipped:
        _print_on_main_process(f"Left out {name!r}: {reason}")
    if dataset.label_size and not source.conditional:
        _print_on_main_process(
            f"The data has labels of length {dataset.label_size}; --conditional would use them."
        )
    described = runs.make_data_config(
        dataset,
        conditional=source.conditional,
        mirror=source.mirror,
        skip_bad=source.skip_bad,
        resize=source.resolution is not None,
    )
    config = apply_overrides(chosen.build(described, session.device), settings)
    config = config.scale_schedule(scaled_to) if scaled_to else config
    config, text = runs.plan(config, session, dataset_images=len(dataset))
    _print_on_main_process(text)
    if dry_run:
        return
    assert out is not None
    reason = runs.start(config, dataset, out, session, notify=_print_on_main_process)
    _print_end(out, reason)


def _resume_run(
    path: Path,
    data: Mapping[str, object],
    settings: list[str],
    fixed: list[str],
    session: "RunOptions",
    *,
    dry_run: bool,
) -> None:
    from stylesmith import runs
    from stylesmith.config import apply_overrides
    from stylesmith.models import RunFolder

    if fixed:
        raise UsageError(
            f"--resume {path}: goes on with the data and networks of the run, so "
            f"{', '.join(fixed)} cannot be given. Start a new run to change them."
        )
    run = RunFolder(path)
    config = apply_overrides(run.read_config(), settings).change(data=data)
    runs.check_resumable(run, config)
    if dry_run:
        _print_on_main_process(runs.plan(config, session, dataset_images=None)[1])
        return
    reason = runs.resume(run, config, session, notify=_print_on_main_process)
    _print_end(path, reason)


def _print_end(out: Path, reason: str) -> None:
    _print_on_main_process(
        f"Stopped: {reason}. Everything is saved; look at {out / 'report.html'}."
    )
    longer = " --kimg N" if reason == "its length is reached" else ""
    _print_on_main_process(f"Go on: stylesmith train --resume {out}{longer}")


def _print_on_main_process(text: str) -> None:
    from stylesmith import distributed

    if distributed.planned_rank() == 0:
        console.print(text, markup=False, soft_wrap=True)
