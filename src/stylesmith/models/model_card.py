"""README cards of models: trained, tuned, imported, and with metadata for the Hugging Face Hub."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from stylesmith.choices import check_choices
from stylesmith.config import GeneratorConfig, RunConfig
from stylesmith.models.interop.external_network import (
    FORMAT_DESCRIPTIONS,
    WEIGHT_LICENSES,
    ExternalFormat,
    ImportReport,
)
from stylesmith.networks import Generator

GENERATE = """```
stylesmith generate . --seeds 0-15 --psi 0.7 --out samples.png
```"""
"""The command of a card that draws with its model."""

CONTENT = (
    "`config.json` holds the architecture, `model.safetensors` the weights; opening them runs no "
    "code."
)
"""What lies beside a card."""


def training_card(
    config: RunConfig, *, size: tuple[int, int], images_seen: int, source: str
) -> str:
    """Markdown that says what the model of a run is, how it was trained, and how to use it.

    Args:
        config: Of the run.
        size: Height and width of the images, which grow on the way where networks do.
        images_seen: How long it was trained.
        source: Name of the data.
    """
    height, width = size
    classes, training = config.generator.label_size, config.training
    credit = f"\n| Images by | {config.data.credit} |" if config.data.credit else ""
    labels = f"{classes} classes" if classes else "unconditional"
    batch = training.at_level("batch_size", config.generator.levels - 1)
    return f"""# {config.preset}, {width}x{height}

A style-based generator trained with stylesmith.

| | |
|---|---|
| Preset | `{config.preset}` |
| Images | {width}x{height}, {config.generator.image_channels} channels, {labels} |
| Trained on | {source} |{credit}
| Length | {images_seen / 1000:.1f} thousand images, batch {batch} |
| Weights | average with a half-life of {training.ema_kimg:g} thousand images |

{GENERATE}
```python
import stylesmith
images = stylesmith.load(".").sample(seeds=range(16), psi=0.7)   # (16, C, H, W), float, -1..1
```

{CONTENT}
The rights to what the model draws also depend on the images that it was trained on.
"""


def tuned_card(model: str) -> str:
    """Markdown for a copy of a model that was tuned to one image; `model` names the model."""
    return f"""# A generator tuned to one image

Tuned with stylesmith (pivotal tuning) from the model {model}, so that
`latent.safetensors` beside it draws an image that the network could not draw before. Other codes
draw almost what they drew.

Use: `stylesmith generate THIS_FOLDER --seeds THIS_FOLDER/latent.safetensors --out again.png`
"""


@check_choices
def import_card(
    config: GeneratorConfig,
    format_: ExternalFormat,
    reports: Sequence[ImportReport],
    *,
    source: str,
) -> str:
    """Markdown that says where the model comes from, and what its import did."""
    height, width = config.size()
    facts = "\n".join(line for report in reports for line in report.lines())
    return f"""# {source}, {width}x{height}

Imported with stylesmith from a {FORMAT_DESCRIPTIONS[format_]}.

**Licence of the weights.** {WEIGHT_LICENSES[format_]}

```
{facts}
```

{GENERATE}

{CONTENT}
"""


UNKNOWN_LICENSE, OTHER_LICENSE = "unknown", "other"
"""What the Hub calls a licence that nobody named, and one that is not in its list."""


def hub_card(
    generator: Generator,
    card: str,
    about: Mapping[str, Any],
    *,
    name: str,
    license: str | None,
    metrics: Mapping[str, float],
    samples: str,
) -> str:
    """A README whose head the Hub reads.

    Args:
        generator: The averaged generator.
        card: The README of the model folder.
        about: Where the model comes from, as its `config.json` says.
        name: Of the model.
        license: One of the Hub's identifiers; None is unknown, or other where `about` has a note.
        metrics: Measured values by name.
        samples: File name of the sheet of samples.
    """
    config, note = generator.config, about.get("licence")
    head: dict[str, Any] = {"license": license or (OTHER_LICENSE if note else UNKNOWN_LICENSE)}
    if head["license"] == OTHER_LICENSE and note:
        head["license_name"] = str(note)
    head["library_name"] = "stylesmith"
    head["pipeline_tag"] = "unconditional-image-generation"
    head["tags"] = ["gan", config.family, config.kind]
    if metrics:
        data = str(about.get("data", "unknown"))
        result = {
            "task": {"type": head["pipeline_tag"]},
            "dataset": {"type": data, "name": data},
            "metrics": [{"type": metric, "value": value} for metric, value in metrics.items()],
        }
        head["model-index"] = [{"name": name, "results": [result]}]
    # JSON is YAML: no string needs a second kind of quoting.
    lines = [f"{key}: {json.dumps(value, ensure_ascii=False)}" for key, value in head.items()]
    title, _, rest = card.partition("\n")
    height, width = generator.image_size
    heading = title if title.startswith("# ") else f"# {name}, {width}x{height}"
    parts = ["---", *lines, "---", heading, "", f"![Samples, seeds 0 to 15, psi 0.7]({samples})"]
    parts += [rest.rstrip(), "", "```python", "from stylesmith.models import from_pretrained"]
    parts += [f'images = from_pretrained("OWNER/{name}").sample(seeds=range(16), psi=0.7)', "```"]
    if metrics:
        parts += ["", "| metric | value |", "|---|---|"]
        parts += [f"| `{metric}` | {value:.5g} |" for metric, value in metrics.items()]
    return "\n".join(parts) + "\n"
