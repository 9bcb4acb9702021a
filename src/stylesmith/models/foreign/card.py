"""The README card beside an imported model."""

from collections.abc import Sequence

from stylesmith.config import GeneratorConfig
from stylesmith.models.foreign.report import KINDS, LICENCES, Kind, Report


def import_card(
    config: GeneratorConfig, kind: Kind, reports: Sequence[Report], *, source: str
) -> str:
    """Markdown that says where the model comes from, and what its import did."""
    height, width = config.size()
    facts = "\n".join(line for report in reports for line in report.lines())
    return f"""# {source}, {width}x{height}

Imported with stylesmith from a {KINDS[kind]}.

**Licence of the weights.** {LICENCES[kind]}

```
{facts}
```

```
stylesmith generate . --seeds 0-15 --psi 0.7 --out samples.png
```

`config.json` holds the architecture, `model.safetensors` the weights; opening them runs no code.
"""
