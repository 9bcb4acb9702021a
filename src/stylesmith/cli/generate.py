"""`stylesmith generate`, `mix`, `noise` and `video`: images and videos from a trained generator."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from stylesmith import files
from stylesmith.callbacks import ProgressCallback
from stylesmith.choices import DeviceName, PathInterpolation
from stylesmith.cli import options
from stylesmith.cli.console import print_line, progress_bar
from stylesmith.cli.options import (
    check_image_path,
    open_pipeline,
    open_pipelines,
    open_sources,
    read_sources,
)
from stylesmith.errors import UsageError
from stylesmith.formatting import format_count

if TYPE_CHECKING:
    from torch import Tensor

    from stylesmith.sampling import SamplingPipeline, SeedOrLatent
    from stylesmith.sampling.stochastic_variation import NoiseVariation
    from stylesmith.sampling.video import LatentPath


OPTION_DEFAULTS: dict[str, object] = {
    "--seeds": "0-15",
    "--psi": 0.7,
    "--center": "global",
    "--noise": "fixed",
}
"""Options of `generate` that a scene stands in place of; the others have none."""


def generate(
    model: options.ModelArgument,
    seeds: options.SeedsOption = "0-15",
    psi: options.PsiOption = 0.7,
    psi_layers: options.PsiLayersOption = None,
    psi_cutoff: options.PsiCutoffOption = None,
    center: options.CenterOption = "global",
    class_: options.ClassesOption = None,
    label: options.LabelOption = None,
    noise: options.NoiseOption = "fixed",
    scene: Annotated[
        str | None,
        typer.Option(
            help="One picture of `stylesmith explore`: a PNG that it saved, a .json file, or JSON. "
            "In place of the options of seeds, truncation, class and noise."
        ),
    ] = None,
    out: Annotated[
        Path, typer.Option(help="An image for a grid of all; a folder for one file each.")
    ] = Path("samples.png"),
    columns: Annotated[int | None, typer.Option(min=1, help="Columns of the grid.")] = None,
    format: Annotated[
        Literal["png", "jpg", "webp"], typer.Option(help="Format of the files in a folder.")
    ] = "png",
    latents: Annotated[
        bool, typer.Option("--latents", help="Write a latent file beside each image, too.")
    ] = False,
    precision: options.PrecisionOption = "auto",
    device: options.DeviceOption = "auto",
    threads: options.ThreadsOption = None,
    force: options.ForceOption = False,
) -> None:
    """Draw one image per seed; the same seed gives the same image.

    Layers are counted as in StyleGAN: two for each resolution from 4x4 up, so 0-3 are coarse, 4-7
    middle, and the rest fine.

    Examples:
    `stylesmith generate runs/photos --seeds 0-15 --psi 0.7 --out samples.png`

    `stylesmith generate runs/photos --seeds 0-999 --out images/`
    """
    from stylesmith.devices import set_threads
    from stylesmith.sampling.image_files import write_comparison, write_folder, write_grid
    from stylesmith.sampling.parsing import parse_seeds_and_paths

    set_threads(threads)
    if scene is not None:
        given = {
            "--seeds": seeds,
            "--psi": psi,
            "--psi-layers": psi_layers,
            "--psi-cutoff": psi_cutoff,
            "--center": center,
            "--class": class_,
            "--label": label,
            "--noise": noise,
            "--columns": columns,
            "--latents": latents or None,
        }
        beside = [name for name, value in given.items() if value != OPTION_DEFAULTS.get(name)]
        if beside:
            raise UsageError(f"--scene with {', '.join(beside)}: a scene says all of a picture")
        _draw_scene(model, scene, out, device=device, force=force)
        return
    parts = parse_seeds_and_paths(seeds)
    check_image_path(out, force=force, folder=True)
    one_file = not files.names_folder(out)
    if one_file and latents:
        raise UsageError("--latents: one file for each image; let --out be a folder")
    pipelines = open_pipelines(
        model,
        psi=psi,
        psi_layers=psi_layers,
        psi_cutoff=psi_cutoff,
        center=center,
        class_=class_,
        label=label,
        noise=noise,
        precision=precision,
        device=device,
    )
    sources = open_sources(pipelines[0], parts)
    if len(pipelines) > 1 and (columns or not one_file):
        raise UsageError(
            f"--class {class_}: several classes are a grid with a column for each; let --out be "
            "an image, without --columns"
        )
    with progress_bar("Drawing") as advance:
        if len(pipelines) > 1:
            write_comparison(pipelines, sources, out, on_progress=advance)
        elif one_file:
            write_grid(pipelines[0], sources, out, columns=columns, on_progress=advance)
        else:
            suffix = f".{format}"
            write_folder(
                pipelines[0], sources, out, suffix=suffix, latents=latents, on_progress=advance
            )
    print_line(f"{format_count(len(sources) * len(pipelines), 'image')} -> {out}")


def _draw_scene(model: str, source: str, out: Path, *, device: DeviceName, force: bool) -> None:
    """Write the picture of a scene, with the scene inside where it is a PNG."""
    from stylesmith import images
    from stylesmith.models import load
    from stylesmith.networks.build import model_hash
    from stylesmith.sampling.scene import ScenePainter
    from stylesmith.sampling.scene_files import encode_scene_png, read_scene

    check_image_path(out, force=force)
    scene = read_scene(source)
    generator = load(model, device=device)
    image = ScenePainter(generator).draw(scene)[0]
    if out.suffix.lower() == ".png":
        files.write_bytes(out, encode_scene_png(image, scene, model=model_hash(generator)))
    else:
        images.save_image(image, out)
    print_line(f"1 image -> {out}")


def mix(
    model: options.ModelArgument,
    rows: Annotated[
        str, typer.Option(help="Images of the first column, which keep the other layers.")
    ] = "0-3",
    columns: Annotated[
        str, typer.Option(help="Images of the first row, whose styles are taken.")
    ] = "4-8",
    styles: Annotated[
        list[str] | None,
        typer.Option(
            help="Layers whose styles are taken: coarse, middle, fine, or 0-3,6. Given again, all "
            "rows come again with other layers. Without it, each name that the network has."
        ),
    ] = None,
    psi: options.PsiOption = 0.7,
    psi_layers: options.PsiLayersOption = None,
    psi_cutoff: options.PsiCutoffOption = None,
    center: options.CenterOption = "global",
    class_: options.ClassOption = None,
    label: options.LabelOption = None,
    noise: options.NoiseOption = "fixed",
    out: Annotated[Path, typer.Option(help="The image to write.")] = Path("mix.png"),
    precision: options.PrecisionOption = "auto",
    device: options.DeviceOption = "auto",
    force: options.ForceOption = False,
) -> None:
    """Mix styles, in a grid with the sources in its first row and column (StyleGAN, Figure 3).

    Sources are seeds or latent files. Coarse layers (4x4 to 8x8) hold pose and shape, middle ones
    (16x16 to 32x32) smaller features, fine ones (from 64x64 on) color and texture.

    Example: `stylesmith mix runs/photos --rows 0-3 --columns 4-8 --styles coarse --styles middle`
    """
    from stylesmith.networks.layer_indices import format_layers
    from stylesmith.sampling.editing import MixingRow, write_mixing_grid
    from stylesmith.sampling.parsing import parse_layers

    check_image_path(out, force=force)
    pipeline = open_pipeline(
        model,
        psi=psi,
        psi_layers=psi_layers,
        psi_cutoff=psi_cutoff,
        center=center,
        class_=class_,
        label=label,
        noise=noise,
        precision=precision,
        device=device,
    )
    words = styles or list(pipeline.config.layer_groups())
    layers = [parse_layers(word, pipeline.config, option="--styles") for word in words]
    row_sources = read_sources(pipeline, rows, option="--rows")
    column_sources = read_sources(pipeline, columns, option="--columns")
    mixed = [MixingRow(source, chosen) for chosen in layers for source in row_sources]
    with progress_bar("Drawing") as advance:
        write_mixing_grid(pipeline, mixed, column_sources, out, on_progress=advance)
    for word, chosen in zip(words, layers, strict=True):
        shown = format_count(len(row_sources), "row")
        print_line(f"{shown}: {word} styles (layers {format_layers(chosen)})")
    print_line(f"{len(mixed)}x{len(column_sources)} images -> {out}")


def noise(
    model: options.ModelArgument,
    seeds: options.SeedsOption = "0-1",
    figure: Annotated[
        Literal["variation", "components"],
        typer.Option(
            help="variation: image, crops of four draws, standard deviation. components: noise "
            "on all, no, fine and coarse layers."
        ),
    ] = "variation",
    draws: Annotated[int, typer.Option(min=2, help="Draws of noise for each image.")] = 100,
    layers: Annotated[
        str | None, typer.Option(help="Layers that get noise, for variation; else all.")
    ] = None,
    crop: Annotated[
        str | None,
        typer.Option(help="LEFT,TOP,RIGHT,BOTTOM in pixels; else where noise changes most."),
    ] = None,
    psi: options.PsiOption = 0.7,
    psi_layers: options.PsiLayersOption = None,
    psi_cutoff: options.PsiCutoffOption = None,
    center: options.CenterOption = "global",
    class_: options.ClassOption = None,
    label: options.LabelOption = None,
    out: Annotated[Path, typer.Option(help="The image to write.")] = Path("noise.png"),
    precision: options.PrecisionOption = "auto",
    device: options.DeviceOption = "auto",
    force: options.ForceOption = False,
) -> None:
    """Show what noise changes, and what it leaves (StyleGAN, Figures 4 and 5).

    Examples:
    `stylesmith noise runs/photos --seeds 3,5 --out noise.png`

    `stylesmith noise runs/photos --seeds 3,5 --figure components --out components.png`
    """
    from stylesmith.networks.layer_indices import format_layers
    from stylesmith.sampling import stochastic_variation
    from stylesmith.sampling.parsing import parse_crop

    window = parse_crop(crop) if crop else None
    check_image_path(out, force=force)
    maps = f"fixed:{layers}" if layers else "fixed"
    pipeline = open_pipeline(
        model,
        psi=psi,
        psi_layers=psi_layers,
        psi_cutoff=psi_cutoff,
        center=center,
        class_=class_,
        label=label,
        noise=maps,
        precision=precision,
        device=device,
    )
    sources = read_sources(pipeline, seeds)
    drawn = format_count(len(sources), "image")
    if figure == "variation":
        found = _measure_variations(pipeline, sources, draws)
        stochastic_variation.write_variation_figure(out, found, rows=len(sources), crop=window)
        print_line(f"{drawn}, {draws} draws each -> {out}")
        return
    stochastic_variation.write_noise_layers_figure(pipeline, sources, out)
    chosen = stochastic_variation.noise_layer_subsets(pipeline.config).items()
    columns = ", ".join(f"{name} ({format_layers(layers) or '-'})" for name, layers in chosen)
    print_line(f"Noise on layers, from left to right: {columns}", f"{drawn} -> {out}")


def _measure_variations(
    pipeline: "SamplingPipeline", sources: "list[SeedOrLatent]", draws: int
) -> "Iterator[NoiseVariation]":
    """The variation of each image, printed as soon as it is known."""
    from stylesmith.sampling.latent_files import image_stem
    from stylesmith.sampling.stochastic_variation import measure_noise_variation

    for source in sources:
        with progress_bar("Drawing") as advance:
            found = measure_noise_variation(pipeline, source, draws, on_progress=advance)
        mean, most = float(found.std.mean()), float(found.std.max())
        levels = f"{mean:.2f} gray levels of 255 on average, at most {most:.2f}"
        print_line(f"{image_stem(source)}: {levels}")
        yield found


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
    psi_cutoff: options.PsiCutoffOption = None,
    center: options.CenterOption = "global",
    class_: options.ClassOption = None,
    label: options.LabelOption = None,
    noise: options.NoiseOption = "fixed",
    out: Annotated[Path, typer.Option(help="A .mp4, .webm, .gif or .webp file.")] = Path(
        "walk.mp4"
    ),
    precision: options.PrecisionOption = "auto",
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
    from stylesmith.sampling import video as videos
    from stylesmith.sampling.parsing import parse_grid

    videos.check_video_path(out)
    files.check_absent(out, force=force)
    rows, columns = parse_grid(grid) if grid else (1, 1)
    pipeline = open_pipeline(
        model,
        psi=psi,
        psi_layers=psi_layers,
        psi_cutoff=psi_cutoff,
        center=center,
        class_=class_,
        label=label,
        noise=noise,
        precision=precision,
        device=device,
    )
    sources = read_sources(pipeline, seeds)
    loops = _split_into_loops(sources, rows * columns, at_least=1 if kind == "noise" else 2)
    paths = _latent_paths(pipeline, loops, kind, way, base, styles)
    keyframes = videos.NOISE_LOOP_KEYFRAMES if kind == "noise" else len(loops[0])
    total = keyframes * frames
    drawn = videos.render_frames(
        pipeline, paths, keyframes=keyframes, frames_per_keyframe=frames, columns=columns
    )
    with progress_bar("Drawing", total) as advance:
        videos.write_video(out, _with_progress(drawn, total, advance), fps=fps)
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
