"""The report of a run: one self-contained HTML file from config, log and samples."""

from html import escape
from importlib.resources import files as package_files
from pathlib import Path
from string import Template
from typing import Any

from stylesmith import files
from stylesmith.config import Config, RunConfig
from stylesmith.errors import ModelError
from stylesmith.formatting import format_duration, format_image_count
from stylesmith.training import report_figures, run_history
from stylesmith.training.log import read_log
from stylesmith.training.run_history import LogRecord, RunHistory, finite_number


def write_report(run_folder: Path) -> Path:
    """Write `report.html` of a run folder anew and return its path.

    Works from the first line of the log on; whatever is not there yet is left out.

    Raises:
        ConfigError: If config.json is not a valid config.
        ModelError: If config.json or log.jsonl is missing or damaged.
        OutputError: If the report cannot be written.
    """
    story = RunHistory(_read_config(run_folder / "config.json"), read_log(run_folder / "log.jsonl"))
    template = package_files("stylesmith.training").joinpath("report.html")
    page = Template(template.read_text(encoding="utf-8")).substitute(
        title=escape(f"{_run_name(run_folder)}: a training report"),
        summary=_summary(story),
        facts=_facts_list(story),
        sections="\n".join(
            [
                report_figures.samples_section(story, run_folder),
                _suggestions_section(story, run_folder),
                report_figures.history_section(story, run_folder),
                report_figures.curves_section(story),
                _events_section(story),
                _settings_section(story.config),
            ]
        ),
        footer=_footer(story),
    )
    path = run_folder / "report.html"
    files.write_text(path, page)
    return path


def _read_config(path: Path) -> RunConfig:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "not text"
        raise ModelError(
            f"{path}: cannot be read ({reason}). Wanted the config.json of a run folder, as "
            "`stylesmith train` writes it."
        ) from error
    return RunConfig.from_json(text, source=str(path))


def _run_name(run_folder: Path) -> str:
    return run_folder.resolve().name or "run"


def _summary(history: RunHistory) -> str:
    """What was trained, on what, how long, how fast, and how it looks."""
    config = history.config
    height, width = config.data.size
    images = finite_number(history.last("start").get("dataset_images"))
    count = f"{images:,} images" if images else "images"
    source = f" from <code>{escape(Path(config.data.path).name)}</code>" if config.data.path else ""
    kind = {1: "grey", 3: "color", 4: "color with transparency"}[config.data.channels]
    mirrored = ", mirrored half of the time" if config.data.mirror else ""
    labels = f", with labels of length {config.data.label_size}" if config.data.label_size else ""
    made = (
        f"A generator with the preset <code>{escape(config.preset)}</code>, trained on {count}"
        f"{source} ({width}x{height} pixels, {kind}{mirrored}{labels})."
    )
    told = f"{made} {_progress_text(history, images)} {_stop_text(history)}"
    return f"<p>{told}</p>\n<p>{escape(run_history.describe_run(history))}</p>"


def _progress_text(history: RunHistory, images: float | None) -> str:
    """How much it has learned from, how long, where and how fast."""
    if history.images_seen == 0:
        return "It has not seen an image yet."
    start = history.last("start")
    passes = f", {history.images_seen / images:,.3g} passes over the data" if images else ""
    where = f" on {escape(str(start['device']))}" if start.get("device") else ""
    precision = f" in {escape(str(start['precision']))}" if start.get("precision") else ""
    speed = (
        f", at about {history.images_per_second:,.3g} images a second"
        if history.images_per_second
        else ""
    )
    return (
        f"It has learned from {format_image_count(history.images_seen)} images{passes}, in "
        f"{format_duration(history.seconds)}{where}{precision}{speed}."
    )


def _stop_text(history: RunHistory) -> str:
    if history.stop_reason is None:
        return "No end is recorded: it was still running, or ended abruptly."
    return (
        f"It stopped: {escape(history.stop_reason.rstrip('.'))}."
        if history.stop_reason
        else "It stopped."
    )


def _facts_list(history: RunHistory) -> str:
    start, progress = history.last("start"), history.last("progress")
    millions = [
        finite_number(start.get(f"{name}_parameters")) for name in ("generator", "discriminator")
    ]
    memory = finite_number(progress.get("memory_gb"))
    shown: list[tuple[str, str | None]] = [
        ("Images seen", format_image_count(history.images_seen)),
        ("Training time", format_duration(history.seconds)),
        (
            "Images a second",
            f"{history.images_per_second:,.3g}" if history.images_per_second else None,
        ),
        ("Memory", f"{memory:.2f} GB" if memory else None),
        ("Generator weights", f"{millions[0] / 1e6:.2f} M" if millions[0] else None),
        ("Discriminator weights", f"{millions[1] / 1e6:.2f} M" if millions[1] else None),
    ]
    cells = [f"<div><dt>{name}</dt><dd>{value}</dd></div>" for name, value in shown if value]
    return f'<dl class="facts">{"".join(cells)}</dl>'


def _suggestions_section(history: RunHistory, run_folder: Path) -> str:
    items = [
        f'<li class="card"><p>{escape(item.reason)}</p>'
        f"<pre><code>{escape(item.command)}</code></pre></li>"
        for item in run_history.suggest_next(history, run_folder)
    ]
    return f'<h2>What to try next</h2><ul class="plain">{"".join(items)}</ul>'


def _events_section(history: RunHistory) -> str:
    """Hints, returns to a checkpoint and dropped steps; what was said often is said once."""
    when: dict[str, list[str]] = {}
    for record in history.records:
        text = _event_text(record)
        if text:
            when.setdefault(text, []).append(format_image_count(record["images_seen"]))
    lines = [f"{escape(text)} <small>{_times_text(times)}</small>" for text, times in when.items()]
    for place, count in history.dropped.items():
        steps = "step was" if count == 1 else "steps were"
        lines.append(f"{count:,} {steps} dropped: numbers not finite ({escape(place)}).")
    items = "".join(f'<li class="card warn"><p>{line}</p></li>' for line in lines)
    body = f'<ul class="plain">{items}</ul>' if items else '<p class="soft">Nothing to report.</p>'
    return f"<h2>Hints and incidents</h2>{body}"


def _event_text(record: LogRecord) -> str:
    match record["event"]:
        case "hint":
            return str(record.get("text", ""))
        case "rollback":
            back_to = format_image_count(int(finite_number(record.get("to")) or 0))
            return f"Training went back to the checkpoint at {back_to} images."
        case _:
            return ""


def _times_text(times: list[str]) -> str:
    if len(times) == 1:
        return f"at {times[0]} images"
    return f"{len(times)} times, first at {times[0]} and last at {times[-1]} images"


def _settings_section(config: RunConfig) -> str:
    """All settings by part, with the meaning of each."""
    tables = []
    for name, value in _nested_configs(config):
        rows = "".join(_setting_row(value, field) for field in type(value).model_fields)
        is_open = " open" if name == "training" else ""
        tables.append(
            f"<details{is_open}><summary>{escape(name)}</summary><table>{rows}</table></details>"
        )
    return f"<h2>Settings</h2>{''.join(tables)}"


def _nested_configs(config: Config, name: str = "run") -> list[tuple[str, Config]]:
    """A config and the configs inside it, each with its dotted name."""
    parts = [(name, config)]
    for field in type(config).model_fields:
        value = getattr(config, field)
        if isinstance(value, Config):
            parts += _nested_configs(value, field if name == "run" else f"{name}.{field}")
    return parts


def _setting_row(config: Config, field: str) -> str:
    value = getattr(config, field)
    if isinstance(value, Config):
        return ""  # has a table of its own
    meaning = escape(" ".join((type(config).model_fields[field].description or "").split()))
    shown = escape(_format_value(value))
    return (
        f'<tr title="{meaning}"><th scope="row"><code>{escape(field)}</code></th>'
        f'<td class="value">{shown}</td><td><small>{meaning}</small></td></tr>'
    )


def _format_value(value: Any) -> str:
    match value:
        case None:
            return "none"
        case bool():
            return "yes" if value else "no"
        case tuple():
            return " x ".join(map(str, value))
        case "":
            return "not set"
        case _:
            return str(value)


def _footer(history: RunHistory) -> str:
    start = history.last("start")
    made = ", ".join(f"{name} {start[name]}" for name in ("stylesmith", "torch") if start.get(name))
    until = f"State of {history.records[-1].get('time')}." if history.records else ""
    return escape(f"{until} {f'Trained with {made}.' if made else ''}".strip())
