"""The ladder's page: what stands in it, and in which order.

It is made from the run folders, `ladder.json`, `speed.json` and `reading.md` alone, so that it can
be written anew at any time. `reading.md` is a person's: nothing here writes it.
"""

import json
from pathlib import Path
from typing import Any

import ladder_images
from ladder_document import Document
from ladder_rows import Notes, Row
from stylesmith.formatting import format_duration, format_image_count
from stylesmith.training.run_history import finite_number

SPEED, READING = "speed.json", "reading.md"
IMAGE_BYTES = 1_500_000
"""Of all images of a page together, charts excepted."""
CAVEAT = """\
The papers tuned these settings for 25 million images of 1024x1024 and up to 512 feature maps. Here
every row has the same small budget, so the order of the rows says little about the order in the
papers. What a small run does show: whether a row learns, how fast it is, and whether its samples
collapse. Color distance and diversity are rough measures against the data (0 and 1 are best); they
need no feature network and do not rank good models."""


def write_pages(folder: Path, *, publish: Path | None = None) -> list[Path]:
    """Write ladder.md with its images and ladder.html in `folder`, and ladder.md in `publish`."""
    page = build_page(folder)
    texts = [place / "ladder.md" for place in (folder, publish) if place]
    for path in texts:
        page.write_markdown(path)
    page.write_html(folder / "ladder.html")
    return [*texts, folder / "ladder.html"]


def build_page(folder: Path) -> Document:
    """The page of a ladder as far as it has come."""
    notes = Notes.read(folder)
    rows = [row for row in (Row.read(folder, name) for name in notes.presets) if row]
    page = Document(_title(rows))
    reading, speed = folder / READING, folder / SPEED
    text = reading.read_text(encoding="utf-8").strip() if reading.is_file() else ""
    page.add("## Reading", text or "*Nobody has written a reading yet.*")
    page.add("## Conditions", CAVEAT, _conditions(rows), _commands(notes.commands))
    page.add("## Overview", _overview(rows))
    page.add_charts(
        "comparison", ladder_images.comparisons({r.preset.name: r.history for r in rows}), "Rows"
    )
    budget = IMAGE_BYTES // (2 * len(rows) + 1)
    if rows:
        reals = ladder_images.real_rows(rows[0].history, rows[0].run)
        page.add_image("reals", reals, "Real images, for comparison", budget=budget)
    for row in rows:
        _add_row(page, row, notes.failures.get(row.preset.name), budget=budget)
    if speed.is_file():
        _add_speed(page, json.loads(speed.read_text(encoding="utf-8")))
    return page


def _title(rows: list[Row]) -> str:
    sizes = {"{1}x{0}".format(*row.history.config.data.size) for row in rows}
    at = f" at {', '.join(sorted(sizes))}" if sizes else ""
    return f"The ladder: {len(rows)} configurations{at} with equal budgets"


def _conditions(rows: list[Row]) -> str:
    starts = [row.history.last("start") for row in rows]
    times = sorted(str(r.get("time"))[:10] for row in rows for r in row.history.records)
    data = {_describe_data(row) for row in rows}
    widths = {f"up to {row.history.config.generator.max_channels} feature maps" for row in rows}
    facts = {"Data": data, "Networks": widths, "Date": {*times[:1], *times[-1:]}}
    names = ("device", "precision", "torch", "stylesmith")
    facts |= {name.capitalize(): {str(s[name]) for s in starts if name in s} for name in names}
    return "\n".join(f"- {name}: {', '.join(sorted(found))}" for name, found in facts.items())


def _describe_data(row: Row) -> str:
    data, count = (
        row.history.config.data,
        finite_number(row.history.last("start").get("dataset_images")),
    )
    height, width = data.size
    return f"{Path(data.path).name}, {int(count or 0):,} images of {width}x{height}"


def _commands(commands: list[str]) -> str:
    return "\n".join(["```", *commands, "```"]) if commands else ""


def _overview(rows: list[Row]) -> str:
    lines = [
        _line(
            f"`{row.preset.name}`",
            row.preset.summary,
            format_image_count(row.history.images_seen),
            format_duration(row.history.seconds),
            _figure(row.history.last("samples").get("color_distance")),
            _figure(row.history.last("samples").get("diversity")),
            _figure(row.full_speed),
            _figure(row.overall_speed),
            _millions(row, "generator"),
            _millions(row, "discriminator"),
        )
        for row in rows
    ]
    head = (
        "row|what changed|images|time|color distance|diversity|img/s, full size|img/s overall|G|D"
    )
    return _table(head, lines)


def _add_row(page: Document, row: Row, failure: str | None, *, budget: int) -> None:
    name, run_history = row.preset.name, row.history
    page.add(f"## {name}", _about(row))
    page.add(f"**It failed:** {failure}" if failure else "")
    seen = format_image_count(run_history.images_seen)
    caption = f"{name}: samples after {seen} images, averaged generator"
    page.add_image(name, ladder_images.sample_rows(run_history, row.run), caption, budget=budget)
    image, moments = ladder_images.history(run_history, row.run)
    seen = ", ".join(f"{moment:.3g}" for moment in moments)
    caption = f"{name}: three seeds after {seen} thousand images"
    page.add_image(f"{name}-history", image, caption, budget=budget)
    page.add_charts(f"{name}-curves", ladder_images.row_charts(run_history), f"{name}: curves")


def _about(row: Row) -> str:
    """What the row is, how its run ended, and what went wrong on the way."""
    run_history, growth = row.history, row.history.config.training.growth
    source = f"{row.preset.source}: " if row.preset.source else ""
    parts = [f"{source}{row.preset.summary}."]
    parts += [
        f"Ended: {run_history.stop_reason}."
        if run_history.stop_reason
        else "It was cut off, or still runs."
    ]
    if growth:
        grown = growth.grown_kimg(run_history.config.generator.levels)
        parts.append(
            f"It grew from {growth.start}x{growth.start} within {grown:.3g} thousand images."
        )
    if dropped := run_history.dropped.total():
        parts.append(f"{dropped} steps were dropped, as not finite.")
    if returns := len(run_history.events("rollback")):
        parts.append(f"It went back to a checkpoint {returns} times.")
    hints = dict.fromkeys(str(record.get("text")) for record in run_history.events("hint"))
    return " ".join([*parts, *(f"Hint: {text}" for text in hints)])


def _add_speed(page: Document, speed: dict[str, Any]) -> None:
    page.add(
        "## Speed, measured apart",
        "Whole training steps at full size, with nothing else: medians of each kind of step, "
        "weighted by how often it falls.",
        "\n".join(f"- {key.capitalize()}: {speed[key]}" for key in ("device", "torch", "date")),
        _commands([speed["command"]]),
        speed_table(speed["rows"]),
    )


def speed_table(rows: dict[str, dict[str, Any]]) -> str:
    """Images a second and the time of each kind of step, as Markdown."""
    lines = [
        _line(
            f"`{name}`",
            _figure(row["images_per_second"]),
            str(row["batch"]),
            row["precision"],
            "; ".join(f"{kind} {value:.3g}" for kind, value in row["milliseconds"].items()),
        )
        for name, row in rows.items()
    ]
    return _table("row|img/s|batch|precision|milliseconds a step", lines)


def _table(head: str, lines: list[str]) -> str:
    return "\n".join([_line(*head.split("|")), "|" + "---|" * len(head.split("|")), *lines])


def _line(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def _figure(value: Any) -> str:
    known = finite_number(value)
    return "-" if known is None else f"{known:.3g}"


def _millions(row: Row, network: str) -> str:
    count = finite_number(row.history.last("start").get(f"{network}_parameters"))
    return "-" if count is None else f"{count / 1e6:.2f} M"
