"""The report of a run: one self-contained HTML file from config, log and samples."""

from html import escape
from importlib.resources import files as package_files
from pathlib import Path
from string import Template
from typing import Any

from stylesmith import files
from stylesmith.config import RunConfig
from stylesmith.config.base import iterate_settings
from stylesmith.formatting import format_duration, format_image_count
from stylesmith.models import RunFolder
from stylesmith.training import report_figures, run_history
from stylesmith.training.log import LogRecord, read_log
from stylesmith.training.run_history import RunHistory, finite_number


def write_report(run: RunFolder) -> None:
    """Write the report of a run anew.

    Works from the first line of the log on; whatever is not there yet is left out.

    Raises:
        ConfigError: If config.json is not a valid config.
        ModelError: If config.json or log.jsonl is missing, or the log is damaged.
        OutputError: If the report cannot be written.
    """
    history = RunHistory(run.read_config(), read_log(run.log))
    template = package_files("stylesmith.training").joinpath("report.html")
    page = Template(template.read_text(encoding="utf-8")).substitute(
        title=escape(f"{run.path.resolve().name or 'run'}: a training report"),
        summary=_summary(history),
        facts=_facts_list(history),
        sections="\n".join(
            [
                report_figures.samples_section(history, run),
                _suggestions_section(history, run.path),
                report_figures.history_section(history, run),
                report_figures.curves_section(history),
                _events_section(history),
                _settings_section(history.config),
            ]
        ),
        footer=_footer(history),
    )
    files.write_text(run.report, page)


def _summary(history: RunHistory) -> str:
    """The preset and the data, how long and how fast it was trained, and the state of the run."""
    config = history.config
    images = finite_number(history.last("start").get("dataset_images"))
    count = f"{images:,} images" if images else "images"
    source = f" from <code>{escape(Path(config.data.path).name)}</code>" if config.data.path else ""
    mirrored = ", mirrored half of the time" if config.data.mirror else ""
    made = (
        f"A generator with the preset <code>{escape(config.preset)}</code>, trained on {count}"
        f"{source} ({escape(config.data.describe())}{mirrored})."
    )
    text = f"{made} {_progress_text(history, images)} {_stop_text(history)}"
    return f"<p>{text}</p>\n<p>{escape(run_history.describe_run(history))}</p>"


def _progress_text(history: RunHistory, images: float | None) -> str:
    """Images seen, passes over the data, time, device and speed."""
    if history.images_seen == 0:
        return "It has not seen an image yet."
    start = history.last("start")
    passes = f", {history.images_seen / images:,.3g} passes over the data" if images else ""
    where = f" on {escape(str(start['device']))}" if start.get("device") else ""
    precision = f" in {escape(str(start['precision']))}" if start.get("precision") else ""
    rate = history.images_per_second
    speed = f", at about {rate:,.3g} images a second" if rate else ""
    return (
        f"It has learned from {format_image_count(history.images_seen)} images{passes}, in "
        f"{format_duration(history.seconds)}{where}{precision}{speed}."
    )


def _stop_text(history: RunHistory) -> str:
    if history.stop_reason is None:
        return "No end is recorded: it was still running, or ended abruptly."
    reason = escape(history.stop_reason.rstrip("."))
    return f"It stopped: {reason}." if reason else "It stopped."


def _facts_list(history: RunHistory) -> str:
    def in_millions(key: str) -> str | None:
        count = finite_number(history.last("start").get(key))
        return f"{count / 1e6:.2f} M" if count else None

    speed = history.images_per_second
    memory = finite_number(history.last("progress").get("memory_gb"))
    shown = {
        "Images seen": format_image_count(history.images_seen),
        "Training time": format_duration(history.seconds),
        "Images a second": f"{speed:,.3g}" if speed else None,
        "Memory": f"{memory:.2f} GB" if memory else None,
        "Generator weights": in_millions("generator_parameters"),
        "Discriminator weights": in_millions("discriminator_parameters"),
    }
    cells = [
        f"<div><dt>{name}</dt><dd>{value}</dd></div>" for name, value in shown.items() if value
    ]
    return f'<dl class="facts">{"".join(cells)}</dl>'


def _suggestions_section(history: RunHistory, run_folder: Path) -> str:
    items = [
        f'<li class="card"><p>{escape(item.reason)}</p>'
        f"<pre><code>{escape(item.command)}</code></pre></li>"
        for item in run_history.suggest_next(history, run_folder)
    ]
    return f'<h2>What to try next</h2><ul class="plain">{"".join(items)}</ul>'


def _events_section(history: RunHistory) -> str:
    """Hints, returns to a checkpoint and dropped steps; equal ones are listed once."""
    when: dict[str, list[str]] = {}
    for record in history.records:
        text = _event_text(record)
        if text:
            when.setdefault(text, []).append(format_image_count(record["images_seen"]))
    lines = [f"{escape(text)} <small>{_times_text(times)}</small>" for text, times in when.items()]
    for where, count in history.dropped.items():
        steps = "step was" if count == 1 else "steps were"
        lines.append(f"{count:,} {steps} dropped: numbers not finite ({escape(where)}).")
    items = "".join(f'<li class="card warn"><p>{line}</p></li>' for line in lines)
    body = f'<ul class="plain">{items}</ul>' if items else '<p class="soft">Nothing to report.</p>'
    return f"<h2>Hints and incidents</h2>{body}"


def _event_text(record: LogRecord) -> str:
    if record["event"] == "rollback":
        back_to = format_image_count(int(finite_number(record.get("to")) or 0))
        return f"Training went back to the checkpoint at {back_to} images."
    return str(record.get("text", "")) if record["event"] == "hint" else ""


def _times_text(times: list[str]) -> str:
    if len(times) == 1:
        return f"at {times[0]} images"
    return f"{len(times)} times, first at {times[0]} and last at {times[-1]} images"


def _settings_section(config: RunConfig) -> str:
    """All settings by part, with the meaning of each."""
    rows: dict[str, str] = {}
    for name, owner, field in iterate_settings(config):
        meaning = escape(" ".join((type(owner).model_fields[field].description or "").split()))
        part = name.rpartition(".")[0] or "run"
        rows[part] = rows.get(part, "") + (
            f'<tr title="{meaning}"><th scope="row"><code>{escape(field)}</code></th>'
            f'<td class="value">{escape(_format_value(getattr(owner, field)))}</td>'
            f"<td><small>{meaning}</small></td></tr>"
        )
    tables = [
        f"<details{' open' if part == 'training' else ''}><summary>{escape(part)}</summary>"
        f"<table>{text}</table></details>"
        for part, text in rows.items()
    ]
    return f"<h2>Settings</h2>{''.join(tables)}"


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
