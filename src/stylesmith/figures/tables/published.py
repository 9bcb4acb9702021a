"""What the papers printed beyond FID, path length, precision and recall of each preset.

As in `presets/published.py`, `~` marks what no second source confirms.
"""

from stylesmith.presets.published import PublishedValue

_MIXING_TEXT = {
    # StyleGAN, Table 2: FID with 2, 3 and 4 latents, FFHQ.
    "stylegan-f-mix0": "~8.22 ~12.88 ~17.41",
    "stylegan-f-mix50": "~6.10 ~8.71 ~11.61",
    "stylegan-f-mix90": "~5.11 ~6.88 ~9.03",
    "stylegan-f-mix100": "~5.17 ~6.63 ~8.40",
}
_SMOOTHNESS_TEXT = {
    # StyleGAN, Table 3: path length, full and end, and separability, FFHQ.
    "stylegan-b": "~412.0 ~415.3 ~10.78",
    "stylegan-d": "~446.2 ~376.6 ~3.61",
    "stylegan-e": "~200.5 ~160.6 ~3.54",
    "stylegan-f-mix50": "~231.5 ~182.1 ~3.51",
    "stylegan-f": "~234.0 ~195.9 ~3.79",
}
_MAPPING_DEPTH_TEXT = {
    # StyleGAN, Table 4: FID, path length (full), separability, FFHQ.
    "stylegan-b-map0": "~5.25 ~412.0 ~10.78",
    "stylegan-b-map8-z": "~4.87 ~896.2 ~170.29",
    "stylegan-b-map8": "~4.87 ~324.5 ~6.52",
    "stylegan-f-map0": "~5.06 ~283.5 ~9.88",
    "stylegan-f-map1": "~4.60 ~219.9 ~6.81",
    "stylegan-f-map2": "~4.43 ~217.8 ~6.25",
    "stylegan-f-map8": "4.40 ~234.0 ~3.79",
}
_COMPUTE_COST_TEXT = {
    # StyleGAN2, Table 5: GPU years (of one V100) and MWh.
    "Initial exploration": "~20.25 ~58.94",
    "Paper exploration": "~13.71 ~31.49",
    "FFHQ config F": "~0.23 0.68",
    "Other runs in paper": "~7.20 ~16.77",
    "Backup runs left out": "~4.73 ~12.08",
    "Video, figures, etc.": "~0.31 ~0.82",
    "Public release": "~4.62 ~10.82",
    "Total": "~51.05 131.61",
}


def _read_values(texts: dict[str, str]) -> dict[str, tuple[PublishedValue, ...]]:
    return {name: tuple(map(PublishedValue.parse, text.split())) for name, text in texts.items()}


PUBLISHED_MIXING, PUBLISHED_SMOOTHNESS, PUBLISHED_MAPPING_DEPTHS, PUBLISHED_COMPUTE_COSTS = map(
    _read_values, (_MIXING_TEXT, _SMOOTHNESS_TEXT, _MAPPING_DEPTH_TEXT, _COMPUTE_COST_TEXT)
)
