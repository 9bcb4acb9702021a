"""README cards of models: trained ones, imported ones, and with metadata for the Hub."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from stylesmith.config import GeneratorConfig, RunConfig
from stylesmith.models.interop.external_network import (
    FORMAT_DESCRIPTIONS,
    WEIGHT_LICENSES,
    ExternalFormat,
    ImportReport,
)

SAMPLE_COMMAND = """```
stylesmith generate . --seeds 0-15 --psi 0.7 --out samples.png
```"""
FILES_NOTE = (
    "`config.json` holds the architecture, `model.safetensors` the weights; opening them runs no "
    "code."
)
"""Parts that the cards of trained and of imported models share."""


def training_card(
    config: RunConfig, *, size: tuple[int, int], images_seen: int, source: str
) -> str:
    """Markdown that says what the model is, how it was trained, and how to use it.

    `size` is the height and width of its images, which is smaller while a run still grows.
    """
    height, width = size
    classes = config.generator.label_size
    credit = f"\n| Images by | {config.data.credit} |" if config.data.credit else ""
    labels = f"{classes} classes" if classes else "unconditional"
    batch_size = config.training.at_level("batch_size", config.generator.levels - 1)
    return f"""# {config.preset}, {width}x{height}

A style-based generator trained with stylesmith.

| | |
|---|---|
| Preset | `{config.preset}` |
| Images | {width}x{height}, {config.generator.image_channels} channels, {labels} |
| Trained on | {source} |{credit}
| Length | {images_seen / 1000:.1f} thousand images, batch {batch_size} |
| Weights | average with a half-life of {config.training.ema_kimg:g} thousand images |

{SAMPLE_COMMAND}
```python
import stylesmith
images = stylesmith.load(".").sample(seeds=range(16), psi=0.7)   # (16, C, H, W), float, -1..1
```

{FILES_NOTE}
The rights to what the model draws also depend on the images that it was trained on.
"""


def import_card(
    config: GeneratorConfig, kind: ExternalFormat, reports: Sequence[ImportReport], *, source: str
) -> str:
    """Markdown that says where the model comes from, and what its import did."""
    height, width = config.size()
    facts = "\n".join(line for report in reports for line in report.lines())
    return f"""# {source}, {width}x{height}

Imported with stylesmith from a {FORMAT_DESCRIPTIONS[kind]}.

**Licence of the weights.** {WEIGHT_LICENSES[kind]}

```
{facts}
```

{SAMPLE_COMMAND}

{FILES_NOTE}
"""


UNKNOWN_LICENSE, OTHER_LICENSE = "unknown", "other"
"""What the Hub calls a licence that nobody named, and one that is not in its list."""


def hub_card(
    config: GeneratorConfig,
    card: str,
    about: Mapping[str, Any],
    *,
    size: tuple[int, int],
    name: str,
    license: str | None,
    metrics: Mapping[str, float],
    samples: str,
) -> str:
    """A README whose head the Hub reads.

    Args:
        config: Of the generator.
        card: The README of the model folder.
        about: Where the model comes from, as its `config.json` says.
        size: Height and width of its images.
        name: Of the model.
        license: One of the Hub's identifiers; None is unknown, or other where `about` has a note.
        metrics: Measured values by name.
        samples: File name of the sheet of samples.
    """
    head = _card_metadata(config, about, name, license, metrics)
    # JSON is YAML: no string needs a second kind of quoting.
    lines = [f"{key}: {json.dumps(value, ensure_ascii=False)}" for key, value in head.items()]
    title, _, rest = card.partition("\n")
    heading = title if title.startswith("# ") else f"# {name}, {size[1]}x{size[0]}"
    parts = ["---", *lines, "---", heading, "", f"![Samples, seeds 0 to 15, psi 0.7]({samples})"]
    return (
        "\n".join(parts)
        + "\n"
        + rest.rstrip()
        + "\n"
        + _usage_section(name)
        + _metrics_section(metrics)
    )


def _card_metadata(
    config: GeneratorConfig,
    about: Mapping[str, Any],
    name: str,
    license: str | None,
    metrics: Mapping[str, float],
) -> dict[str, Any]:
    note = about.get("licence")
    head: dict[str, Any] = {"license": license or (OTHER_LICENSE if note else UNKNOWN_LICENSE)}
    if head["license"] == OTHER_LICENSE and note:
        head["license_name"] = str(note)
    head["library_name"] = "stylesmith"
    head["pipeline_tag"] = "unconditional-image-generation"
    head["tags"] = ["gan", config.family, config.kind]
    if metrics:
        data = str(about.get("data", "unknown"))
        values = [{"type": metric, "value": value} for metric, value in metrics.items()]
        result = {
            "task": {"type": head["pipeline_tag"]},
            "dataset": {"type": data, "name": data},
            "metrics": values,
        }
        head["model-index"] = [{"name": name, "results": [result]}]
    return head


def _usage_section(name: str) -> str:
    return f"""
```python
from stylesmith.models import from_pretrained
images = from_pretrained("OWNER/{name}").sample(seeds=range(16), psi=0.7)
```
"""


def _metrics_section(metrics: Mapping[str, float]) -> str:
    if not metrics:
        return ""
    rows = "".join(f"| `{name}` | {value:.5g} |\n" for name, value in metrics.items())
    return f"\n| metric | value |\n|---|---|\n{rows}"
