"""The README card beside an imported model."""

from collections.abc import Sequence

from stylesmith.config import GeneratorConfig
from stylesmith.models.interop.report import (
    FORMAT_DESCRIPTIONS,
    WEIGHT_LICENSES,
    ExternalFormat,
    ImportReport,
)


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

```
stylesmith generate . --seeds 0-15 --psi 0.7 --out samples.png
```

`config.json` holds the architecture, `model.safetensors` the weights; opening them runs no code.
"""
