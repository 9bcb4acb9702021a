"""`stylesmith video`: loops through latents, styles or noise."""

from collections.abc import Callable, Iterable, Iterator
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from stylesmith.cli.console import progress_bar
from stylesmith.cli.options import (
    CenterName,
    CenterOption,
    ClassOption,
    DeviceOption,
    ForceOption,
    ModelArgument,
    NoiseOption,
    PsiLayersOption,
    PsiOption,
    SeedsOption,
    count_text,
    open_pipeline,
    print_line,
    read_sources,
)
from stylesmith.cli.train import DeviceName
from stylesmith.errors import UsageError

if TYPE_CHECKING:
    from torch import Tensor

    from stylesmith.sampling import SamplingPipeline, SeedOrLatent
    from stylesmith.sampling.video import LatentPath


class VideoKind(StrEnum):
    """Choices of --kind."""

    walk = "walk"
    mix = "mix"
    noise = "noise"


class WayName(StrEnum):
    """Choices of --way."""

    smooth = "smooth"
    straight = "straight"
    sphere = "sphere"


def video(
    model: ModelArgument,
    seeds: SeedsOption = "0-5",
    kind: Annotated[
        VideoKind,
        typer.Option(
            help="walk: from picture to picture. mix: only the styles of some layers walk, in the "
            "picture --base. noise: the noise of each picture turns."
        ),
    ] = VideoKind.walk,
    way: Annotated[
        WayName,
        typer.Option(help="Between pictures: smooth or straight in W, or along the sphere in Z."),
    ] = WayName.smooth,
    base: Annotated[
        str | None, typer.Option(help="Seed or latent file that keeps the other layers, for mix.")
    ] = None,
    styles: Annotated[str, typer.Option(help="Layers that walk, for mix.")] = "coarse",
    frames: Annotated[int, typer.Option(min=1, help="Frames from one picture to the next.")] = 60,
    fps: Annotated[int, typer.Option(min=1, max=120, help="Frames a second.")] = 30,
    grid: Annotated[
        str | None,
        typer.Option(help="COLUMNSxROWS of loops side by side; the pictures are dealt to them."),
    ] = None,
    psi: PsiOption = 0.7,
    psi_layers: PsiLayersOption = None,
    center: CenterOption = CenterName.global_,
    class_: ClassOption = None,
    noise: NoiseOption = "fixed",
    out: Annotated[Path, typer.Option(help="A .mp4, .webm, .gif or .webp file.")] = Path(
        "walk.mp4"
    ),
    device: DeviceOption = DeviceName.auto,
    force: ForceOption = False,
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
    from stylesmith.sampling.video import NOISE_LOOP_KEYFRAMES, check_video_path, write_video
    from stylesmith.sampling.video import render_frames as draw_frames

    check_video_path(out)
    files.check_absent(out, force=force)
    rows, columns = parse_grid(grid) if grid else (1, 1)
    pipeline = open_pipeline(
        model,
        psi=psi,
        psi_layers=psi_layers,
        center=center,
        class_=class_,
        noise=noise,
        device=device,
    )
    sources = read_sources(pipeline, seeds)
    loops = _split_into_loops(sources, rows * columns, at_least=1 if kind is VideoKind.noise else 2)
    if kind is VideoKind.mix:
        motions = _mixing_motions(pipeline, loops, base, styles, way)
    elif base is not None:
        raise UsageError(f"--base {base}: only --kind mix has a base")
    else:
        motions = _image_motions(pipeline, loops, kind, way)
    length = NOISE_LOOP_KEYFRAMES if kind is VideoKind.noise else len(loops[0])
    total = length * frames
    drawn = draw_frames(
        pipeline, motions, keyframes=length, frames_per_keyframe=frames, columns=columns
    )
    with progress_bar("Drawing", total) as advance:
        write_video(out, _with_progress(drawn, total, advance), fps=fps)
    print_line(f"{count_text(total, 'frame')}, {total / fps:.1f} s -> {out}")


def _image_motions(
    pipeline: "SamplingPipeline", loops: "list[list[SeedOrLatent]]", kind: VideoKind, way: WayName
) -> "list[LatentPath]":
    from stylesmith.sampling.video import latent_path, noise_path

    if kind is VideoKind.walk:
        return [latent_path(pipeline, loop, way.value) for loop in loops]
    if len(loops[0]) > 1:
        raise UsageError(
            f"--seeds: a loop of noise has one picture; name {len(loops)}, or a larger --grid"
        )
    return [noise_path(pipeline, loop[0]) for loop in loops]


def _mixing_motions(
    pipeline: "SamplingPipeline",
    loops: "list[list[SeedOrLatent]]",
    base: str | None,
    styles: str,
    way: WayName,
) -> "list[LatentPath]":
    from stylesmith.sampling.parsing import parse_layers
    from stylesmith.sampling.video import mixing_path

    layers = parse_layers(styles, pipeline.config, option="--styles")
    sources = read_sources(pipeline, base, option="--base") if base else []
    if len(sources) != 1:
        raise UsageError("--kind mix: name one seed or latent file with --base")
    return [mixing_path(pipeline, sources[0], loop, layers, way.value) for loop in loops]


def _split_into_loops(
    sources: "list[SeedOrLatent]", places: int, *, at_least: int
) -> "list[list[SeedOrLatent]]":
    """The pictures of each place of the grid, equally many."""
    share, rest = divmod(len(sources), places)
    if rest or share < at_least:
        wanted = f"a multiple of {places}, {at_least * places} or more"
        raise UsageError(
            f"--seeds: {len(sources)} for {count_text(places, 'loop')}; wanted {wanted}"
        )
    return [sources[place * share : (place + 1) * share] for place in range(places)]


def _with_progress(
    frames: "Iterable[Tensor]", total: int, advance: Callable[[int, int], None]
) -> "Iterator[Tensor]":
    for done, frame in enumerate(frames, 1):
        yield frame
        advance(done, total)
