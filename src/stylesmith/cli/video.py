"""`stylesmith video`: loops through latents, styles or noise."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from stylesmith.callbacks import ProgressCallback
from stylesmith.choices import PathInterpolation
from stylesmith.cli import options
from stylesmith.cli.console import print_line, progress_bar
from stylesmith.cli.options import open_pipeline, read_sources
from stylesmith.errors import UsageError
from stylesmith.formatting import format_count

if TYPE_CHECKING:
    from torch import Tensor

    from stylesmith.sampling import SamplingPipeline, SeedOrLatent
    from stylesmith.sampling.video import LatentPath

VideoKind = Literal["walk", "mix", "noise"]


def video(
    model: options.ModelArgument,
    seeds: options.SeedsOption = "0-5",
    kind: Annotated[
        VideoKind,
        typer.Option(
            help="walk: from image to image. mix: only the styles of some layers change, in the "
            "image --base. noise: only the noise of each image changes."
        ),
    ] = "walk",
    way: Annotated[
        PathInterpolation,
        typer.Option(help="Between images: smooth or straight in W, or along the sphere in Z."),
    ] = "smooth",
    base: Annotated[
        str | None, typer.Option(help="Seed or latent file that keeps the other layers, for mix.")
    ] = None,
    styles: Annotated[str, typer.Option(help="Layers whose styles change, for mix.")] = "coarse",
    frames: Annotated[int, typer.Option(min=1, help="Frames from one image to the next.")] = 60,
    fps: Annotated[int, typer.Option(min=1, max=120, help="Frames a second.")] = 30,
    grid: Annotated[
        str | None,
        typer.Option(help="COLUMNSxROWS of loops in one video; the images are dealt to them."),
    ] = None,
    psi: options.PsiOption = 0.7,
    psi_layers: options.PsiLayersOption = None,
    center: options.CenterOption = "global",
    class_: options.ClassOption = None,
    noise: options.NoiseOption = "fixed",
    out: Annotated[Path, typer.Option(help="A .mp4, .webm, .gif or .webp file.")] = Path(
        "walk.mp4"
    ),
    device: options.DeviceOption = "auto",
    force: options.ForceOption = False,
) -> None:
    """Make a video that loops without a seam.

    mp4 and webm need `pip install "stylesmith[video]"`; gif and webp work without. Frames below 256
    rows are enlarged.

    Examples:
    `stylesmith video runs/photos --seeds 0-5 --out walk.mp4`

    `stylesmith video runs/photos --kind mix --base 7 --seeds 0-5 --styles middle --out mix.webm`
    """
    from stylesmith import files
    from stylesmith.sampling.parsing import parse_grid
    from stylesmith.sampling.video import (
        NOISE_LOOP_KEYFRAMES,
        check_video_path,
        render_frames,
        write_video,
    )

    check_video_path(out)
    files.check_absent(out, force=force)
    rows, columns = parse_grid(grid) if grid else (1, 1)
    pipeline = open_pipeline(model, psi, psi_layers, center, class_, noise, device)
    sources = read_sources(pipeline, seeds)
    loops = _split_into_loops(sources, rows * columns, at_least=1 if kind == "noise" else 2)
    paths = _latent_paths(pipeline, loops, kind, way, base, styles)
    keyframes = NOISE_LOOP_KEYFRAMES if kind == "noise" else len(loops[0])
    total = keyframes * frames
    drawn = render_frames(
        pipeline, paths, keyframes=keyframes, frames_per_keyframe=frames, columns=columns
    )
    with progress_bar("Drawing", total) as advance:
        write_video(out, _with_progress(drawn, total, advance), fps=fps)
    print_line(f"{format_count(total, 'frame')}, {total / fps:.1f} s -> {out}")


def _latent_paths(
    pipeline: "SamplingPipeline",
    loops: "list[list[SeedOrLatent]]",
    kind: VideoKind,
    way: PathInterpolation,
    base: str | None,
    styles: str,
) -> "list[LatentPath]":
    """One path for each loop of the grid."""
    from stylesmith.sampling.parsing import parse_layers
    from stylesmith.sampling.video import latent_path, mixing_path, noise_path

    if kind == "mix":
        layers = parse_layers(styles, pipeline.config, option="--styles")
        sources = read_sources(pipeline, base, option="--base") if base else []
        if len(sources) != 1:
            raise UsageError("--kind mix: name one seed or latent file with --base")
        return [mixing_path(pipeline, sources[0], loop, layers, way) for loop in loops]
    if base is not None:
        raise UsageError(f"--base {base}: only --kind mix has a base")
    if kind == "walk":
        return [latent_path(pipeline, loop, way) for loop in loops]
    if len(loops[0]) > 1:
        raise UsageError(
            f"--seeds: a loop of noise has one image; name {len(loops)}, or a larger --grid"
        )
    return [noise_path(pipeline, loop[0]) for loop in loops]


def _split_into_loops(
    sources: "list[SeedOrLatent]", places: int, *, at_least: int
) -> "list[list[SeedOrLatent]]":
    """The images of each place of the grid, equally many."""
    share, rest = divmod(len(sources), places)
    if rest or share < at_least:
        wanted = f"a multiple of {places}, {at_least * places} or more"
        raise UsageError(
            f"--seeds: {len(sources)} for {format_count(places, 'loop')}; wanted {wanted}"
        )
    return [sources[place * share : (place + 1) * share] for place in range(places)]


def _with_progress(
    frames: "Iterable[Tensor]", total: int, advance: ProgressCallback
) -> "Iterator[Tensor]":
    for done, frame in enumerate(frames, 1):
        yield frame
        advance(done, total)
