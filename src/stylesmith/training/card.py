"""The README card beside a trained model."""

from stylesmith.config import RunConfig, at_level


def model_card(config: RunConfig, *, size: tuple[int, int], images_seen: int, source: str) -> str:
    """Markdown that says what the model is, how it was trained, and how to use it.

    `size` is the height and width of its images, which grow on the way where networks do.
    """
    height, width = size
    classes = config.generator.label_size
    credit = f"\n| Images by | {config.data.credit} |" if config.data.credit else ""
    labels = f"{classes} classes" if classes else "unconditional"
    return f"""# {config.preset}, {width}x{height}

A style-based generator trained with stylesmith.

| | |
|---|---|
| Preset | `{config.preset}` |
| Images | {width}x{height}, {config.generator.image_channels} channels, {labels} |
| Trained on | {source} |{credit}
| Length | {images_seen / 1000:.1f} thousand images, batch {_top_batch_size(config)} |
| Weights | average with a half-life of {config.training.ema_kimg:g} thousand images |

```
stylesmith generate . --seeds 0-15 --psi 0.7 --out samples.png
```
```python
import stylesmith
images = stylesmith.load(".").sample(seeds=range(16), psi=0.7)   # (16, C, H, W), float, -1..1
```

`config.json` holds the architecture, `model.safetensors` the weights; opening them runs no code.
The rights to what the model draws also depend on the images that it was trained on.
"""


def _top_batch_size(config: RunConfig) -> int:
    training = config.training
    return at_level(training.batch_size, config.generator.levels - 1, training.reference_devices)
