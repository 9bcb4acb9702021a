"""`stylesmith train`: start a run, or go on with one."""

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from stylesmith import files
from stylesmith.cli import options
from stylesmith.cli.console import print_line
from stylesmith.errors import UsageError
from stylesmith.formatting import format_command

if TYPE_CHECKING:
    from stylesmith.config import RunConfig


def train(
    data: Annotated[
        Path | None,
        typer.Argument(help="Folder, zip or container of images; with --resume, its place now."),
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
    hold_out: Annotated[
        int | None,
        typer.Option(
            min=0,
            help="Keep so many images from training, to tell whether it overfits; `auto` keeps a "
            "twentieth, at least 50 and at most 500, of 300 or more.",
        ),
    ] = None,
    source: Annotated[
        str | None,
        typer.Option(
            "--from",
            help="Start with the weights of this model (fine-tuning): a run, model folder, "
            "checkpoint, or published weights; its architecture is taken too.",
        ),
    ] = None,
    freeze_d: Annotated[
        int | None,
        typer.Option(
            min=0, help="With --from: layers of the discriminator, from the image on, that stay."
        ),
    ] = None,
    augment: Annotated[
        str | None,
        typer.Option(
            help="Augment what the discriminator sees: none, ada, diffaugment, or fixed:P with a "
            "strength P in 0..1; `auto` takes ada for fewer than 30,000 images."
        ),
    ] = None,
    augment_groups: Annotated[
        str | None,
        typer.Option(help="Groups of ada, such as bgc or blit,color; or policies of diffaugment."),
    ] = None,
    target: Annotated[
        float | None,
        typer.Option(help="Signal at which the strength of ada rests; 0.6 for r_t, 0.5 for r_v."),
    ] = None,
    resolution: options.ResolutionOption = None,
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
    patience: Annotated[
        float | None,
        typer.Option(
            min=0.001,
            help="Stop after so many thousands of images without a better first metric.",
        ),
    ] = None,
    seed: Annotated[
        int | None, typer.Option(min=0, help="Start of every random number; 0 by default.")
    ] = None,
    device: options.DeviceOption = "auto",
    threads: options.ThreadsOption = None,
    skip_bad: options.SkipBadOption = False,
    split: options.SplitOption = "",
    labels: options.LabelsOption = "",
    tensorboard: Annotated[
        bool, typer.Option("--tensorboard", help="Also write curves for TensorBoard.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would run, and what it takes; then stop.")
    ] = False,
    force: options.ForceOption = False,
) -> None:
    """Train a generator on a folder, zip or other container of images.

    Without a preset, settings are chosen from your data and machine. The run folder gets a log,
    sample images, checkpoints, the model, and `report.html` with curves. Ctrl-C saves and stops;
    `--resume` goes on from there, for `--minutes` more or up to `--kimg`.

    Examples:
    `stylesmith train photos.zip --out runs/photos --minutes 60`

    `stylesmith train --resume runs/photos --minutes 60`

    `torchrun --nproc-per-node 8 -m stylesmith train photos.zip --out runs/photos`
    """
    from stylesmith import distributed, runs
    from stylesmith.config import apply_overrides
    from stylesmith.data.held_out import check_held_out
    from stylesmith.devices import choose_device, set_threads
    from stylesmith.models import RunFolder
    from stylesmith.presets import find_preset
    from stylesmith.training.trainer import RunLimits

    set_threads(threads)
    run_options = runs.RunOptions(
        device=choose_device(device),
        limits=RunLimits(minutes, ignore_length=bool(resume and minutes and not kimg)),
        tensorboard=tensorboard,
        force=force,
    )
    if scale_schedule and kimg is None:
        raise UsageError("--scale-schedule: wanted --kimg too, the length to scale to")
    length = kimg if kimg and not scale_schedule else None
    settings = [*(set_ or []), *_run_settings(length, metrics, metrics_every, patience)]
    if resume:
        values = {"--out": out, "--resolution": resolution, "--channels": channels, "--seed": seed}
        values |= {"--hold-out": hold_out, "--from": source, "--freeze-d": freeze_d}
        values |= {"--split": split or None, "--labels": labels or None}
        flags = {"--conditional": conditional, "--mirror": mirror, "--force": force}
        flags |= {"--scale-schedule": scale_schedule, "--preset": preset != "auto"}
        fixed = [name for name, value in values.items() if value is not None]
        if fixed := fixed + [name for name, on in flags.items() if on]:
            raise UsageError(
                f"--resume {resume}: goes on with the data and networks of the run, so "
                f"{', '.join(fixed)} cannot be given. Start a new run to change them."
            )
        run = RunFolder(resume)
        changed = {"path": str(data.resolve())} if data else {}
        config = apply_overrides(run.read_config(), settings)
        config = config.change(data=changed | ({"skip_bad": True} if skip_bad else {}))
        config = _augmented(config, augment, augment_groups, target)
        runs.check_resumable(run, config)
        if dry_run:
            print_line(runs.plan(config, run_options, dataset_images=None)[1])
        else:
            _print_end(resume, runs.resume(run, config, run_options, notify=print_line), minutes)
        return
    if data is None or (out is None and not dry_run):
        raise UsageError(
            "wanted DATA and --out, as in `stylesmith train photos.zip --out runs/photos`; or "
            "--resume RUN"
        )
    chosen = find_preset(preset)
    if channels not in (None, 1, 3, 4):
        raise UsageError(f"--channels {channels}: wanted 1, 3 or 4")
    if out is not None and not dry_run:
        files.check_absent(out, force=force, folder=True)  # again later, but this saves the wait
    dataset = options.open_dataset(
        data, resolution, channels, skip_bad=skip_bad, split=split, labels=labels
    )
    print_line(*(f"Left out {name!r}: {reason}" for name, reason in dataset.skipped))
    print_line(*filter(None, [dataset.recognized, dataset.other_files]))
    if dataset.label_size and not conditional:
        print_line(
            f"The data has labels of length {dataset.label_size}; --conditional would use them."
        )
    held_out = chosen.held_out_images(len(dataset)) if hold_out is None else hold_out
    described = runs.make_data_config(
        dataset,
        conditional=conditional,
        mirror=mirror,
        skip_bad=skip_bad,
        resize=resolution is not None,
        hold_out=held_out,
    )
    check_held_out(len(dataset), held_out, data)
    seeded = [] if seed is None else [f"training.seed={seed}"]
    config = chosen.build(described, run_options.device, distributed.planned_world_size())
    learned = len(dataset) - described.hold_out
    if augment is None and chosen.augmentation:
        loss = apply_overrides(config, settings).training.loss
        by_images = chosen.augmentation(learned * (2 if mirror else 1))
        has_signal = loss != "wgan_gp" or bool(described.hold_out)  # its scores have no sign
        config = _augmented(config, by_images if has_signal else "none")
        if config.training.augment:  # adjusted within this run, however long it is
            config = config.change(training={"strength": {"kimg": None}})
    config = _augmented(config, augment, augment_groups, target)
    if source is not None:
        config, kept = runs.fine_tuned_config(config, source, freeze_d=freeze_d or 0)
        print_line(kept)
    elif freeze_d is not None:
        raise UsageError(f"--freeze-d {freeze_d}: wanted --from MODEL too, whose layers stay")
    config = apply_overrides(config, [*seeded, *settings])
    if scale_schedule and kimg:
        config = config.scale_schedule(kimg)
    run_options = replace(run_options, may_shrink=config.training.micro_batch is None)
    config, text = runs.plan(config, run_options, dataset_images=learned)
    print_line(text)
    if out is not None and not dry_run:
        _print_end(out, runs.start(config, dataset, out, run_options, notify=print_line), minutes)


def _augmented(
    config: "RunConfig",
    augment: str | None,
    groups: str | None = None,
    target: float | None = None,
) -> "RunConfig":
    """The run with another augmentation, where one is given."""
    from stylesmith.config.augment import AdaConfig, augmentation_settings

    present, held_out = config.training, bool(config.data.hold_out)
    if augment is None:
        if groups is None and target is None:
            return config
        augment = "ada"  # whose options were given; the others stay
        if isinstance(present.augment, AdaConfig):
            groups = groups or present.augment.groups
            target = present.strength.target if target is None else target
    changed = augmentation_settings(augment, held_out=held_out, groups=groups, target=target)
    return config.change(training=changed)


def _run_settings(
    kimg: float | None, metrics: str | None, every: float | None, patience: float | None
) -> list[str]:
    """Options of the run's length and metrics as settings of the run."""
    names = options.split_names(metrics)
    return [
        *([f"training.kimg={kimg:.12g}"] if kimg else []),
        *([f"output.metrics={json.dumps(names)}"] if names else []),
        *([f"output.metrics_kimg={every:.12g}"] if every else []),
        *([f"output.patience_kimg={patience:.12g}"] if patience else []),
    ]


def _print_end(out: Path, reason: str, minutes: float | None) -> None:
    limit = [] if minutes is None else ["--minutes", f"{minutes:g}"]
    options_of = {
        "its length is reached": ["--kimg", "N"],
        "its metric no longer improves": ["--patience", "N"],
    }
    longer = options_of.get(reason, limit)
    print_line(
        f"Stopped: {reason}. Everything is saved; see {out / 'report.html'}.",
        f"Go on: {format_command('train', '--resume', out, *longer)}",
    )
