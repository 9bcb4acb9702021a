"""The options of each avatar and its drawing (extra `[avatars]`).

DiceBear chooses the parts, resvg draws them. This module imports neither torch nor numpy, because
worker processes import it. An attribute describes what is visible: hair under a hat has no color,
and eyes behind sunglasses are neither open nor closed.
"""

import copy
import importlib.resources
import io
import json
import re
import signal
from collections.abc import Mapping
from functools import cache
from typing import Any

from PIL import Image

from stylesmith.errors import UsageError

AvatarOptions = Mapping[str, str]

HATS = frozenset(
    ("hat", "hijab", "turban", "winterHat02", "winterHat03", "winterHat04", "winterHat1")
)
WINTER_HATS = frozenset(name for name in HATS if name.startswith("winter"))
LONG_HAIR = {
    "bigHair",
    "bob",
    "curvy",
    "dreads",
    "longButNotTooLong",
    "miaWallace",
    "shavedSides",
    "straight01",
    "straight02",
    "straightAndStrand",
}
SHORT_HAIR = {
    "bun",
    "dreads01",
    "frizzle",
    "shaggy",
    "shortCurly",
    "shortFlat",
    "shortRound",
    "shortWaved",
    "sides",
    "theCaesar",
    "theCaesarAndSidePart",
}
CURLY_HAIR = frozenset(
    ("curly", "curvy", "dreads", "dreads02", "frida", "fro", "froBand", "shortCurly")
)
HAIR_COLORS = {
    "dark": {"#2c1b18", "#4a312c"},
    "brown": {"#724133", "#a55728"},
    "blond": {"#b58143", "#d6b370"},
    "white": {"#ecdcbf", "#e8e1e1"},
    "red": {"#c93305"},
    "pink": {"#f59797"},
}
SUNGLASSES = frozenset(["kurt", "sunglasses", "wayfarers"])

HAIR_CLASS_NAMES = [*HAIR_COLORS, "covered"]
"""The classes of `dataset.json`: the color of the hair, or that none is seen."""


def hair_class(options: AvatarOptions) -> int:
    """Number of the avatar's hair color in `HAIR_CLASS_NAMES`."""
    if options["topVariant"] in HATS:
        return HAIR_CLASS_NAMES.index("covered")
    color = options["hairColor"]
    return next(i for i, colors in enumerate(HAIR_COLORS.values()) if color in colors)


def avatar_attributes(options: AvatarOptions) -> dict[str, bool]:
    """Binary attributes by name; the same names in the same order for every avatar."""
    top, hair = options["topVariant"], HAIR_CLASS_NAMES[hair_class(options)]
    facial_hair, skin = options.get("facialHairVariant", ""), options["skinColor"]
    brows, mouth = options["eyebrowsVariant"], options["mouthVariant"]
    glasses, clothes = options.get("accessoriesVariant", ""), options["clothesVariant"]
    eyes = "hidden" if glasses in SUNGLASSES else options["eyesVariant"]
    return {
        "hat": top in HATS,
        "winter_hat": top in WINTER_HATS,
        "long_hair": top in LONG_HAIR,
        "short_hair": top in SHORT_HAIR,
        "curly_hair": top in CURLY_HAIR,
        "dark_hair": hair == "dark",
        "brown_hair": hair == "brown",
        "blond_hair": hair == "blond",
        "white_hair": hair == "white",
        "red_or_pink_hair": hair in {"red", "pink"},
        "facial_hair": bool(facial_hair),
        "beard": facial_hair.startswith("beard"),
        "moustache_only": facial_hair.startswith("moustache"),
        "dark_skin": skin in {"#614335", "#ae5d29"},
        "light_skin": skin in {"#edb98a", "#ffdbb4"},
        "angry_brows": brows.startswith("angry"),
        "raised_brows": brows.startswith("raised"),
        "sad_brows": brows.startswith("sad"),
        "glasses": bool(glasses) and eyes != "hidden",
        "sunglasses": eyes == "hidden",
        "eyes_closed": eyes in {"happy", "closed"},
        "eyes_wide": eyes == "surprised",
        "eyes_aside": eyes in {"side", "squint"},
        "smiling": mouth in {"smile", "twinkle", "default", "tongue"},
        "mouth_open": mouth not in {"twinkle", "serious", "sad"},
        "teeth": mouth in {"smile", "tongue", "grimace"},
        "unhappy_mouth": mouth in {"sad", "concerned", "screamOpen"},
        "jacket": clothes.startswith("blazer"),
        "hoodie": clothes == "hoodie",
        "shirt": clothes.startswith("shirt") or clothes == "graphicShirt",
        "blue_background": options["backgroundColor"] == "#b6e3f4",
        "green_background": options["backgroundColor"] == "#c8f0dc",
    }


STYLE_NAME = "avataaars"

VARIANT_WEIGHTS: dict[str, dict[str, int]] = {
    "accessories": {
        "prescription01": 2,
        "prescription02": 2,
        "round": 2,
        "kurt": 1,
        "sunglasses": 2,
        "wayfarers": 2,
    },
    "eyes": {"default": 6, "surprised": 3, "squint": 2, "side": 2, "happy": 2, "closed": 2},
    "mouth": {
        "smile": 5,
        "twinkle": 2,
        "default": 2,
        "tongue": 1,
        "serious": 2,
        "sad": 2,
        "concerned": 1,
        "grimace": 2,
        "screamOpen": 2,
    },
    "eyebrows": {
        "angryNatural": 1,
        "defaultNatural": 1,
        "flatNatural": 1,
        "raisedExcitedNatural": 1,
        "sadConcernedNatural": 1,
    },
}
"""Variants that are drawn, and how often: those that a face keeps at a small size."""

PART_PROBABILITIES = {"accessories": 30, "facialHair": 30}
"""Percent of avatars that have the part."""

AVATAR_COLORS = {
    "background": ["#b6e3f4", "#d1d4f9", "#c8f0dc"],
    "skin": ["#614335", "#ae5d29", "#d08b5b", "#edb98a", "#ffdbb4"],
}
"""Colors in place of the style's own: light behind the head, and no orange or yellow skin."""

_FULL_VIEW_BOX, _HEAD_VIEW_BOX = 'viewBox="0 0 280 280"', 'viewBox="40 28 200 200"'
_CLIP_GROUP = re.compile(r'<g clip-path="url\(#clip-\w+\)">')

DrawnAvatar = tuple[bytes, dict[str, Any]]
"""A PNG, and the options that DiceBear chose for it."""


@cache
def load_style_definition() -> dict[str, Any]:
    """The style as DiceBear ships it: drawings, colors, author and license.

    Raises:
        UsageError: If the extra packages are not installed.
    """
    try:
        import dicebear  # noqa: F401
        import resvg_py  # noqa: F401

        file = importlib.resources.files("dicebear_styles") / f"{STYLE_NAME}.json"
    except ImportError:
        raise UsageError(
            'drawing avatars needs three small packages: pip install "stylesmith[avatars]"'
        ) from None
    parts: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return parts


@cache
def _narrowed_style() -> Any:
    """The style narrowed to what is drawn here.

    DiceBear takes the same narrowing as options of each avatar, and checks them each time, which
    takes longer than drawing.
    """
    from dicebear import Style

    parts = copy.deepcopy(load_style_definition())
    for name, weights in VARIANT_WEIGHTS.items():
        variants = parts["components"][name]["variants"]
        narrowed = {key: {**variants[key], "weight": weight} for key, weight in weights.items()}
        parts["components"][name]["variants"] = narrowed
    for name, percent in PART_PROBABILITIES.items():
        parts["components"][name]["probability"] = percent
    for name, values in AVATAR_COLORS.items():
        parts["colors"][name] = {**parts["colors"].get(name, {}), "values": values}
    return Style(parts)


def draw_avatar(seed: int, index: int, size: int) -> DrawnAvatar:
    """One avatar of `size` x `size` pixels; a function of (seed, index)."""
    import resvg_py
    from dicebear import Avatar

    avatar = Avatar(_narrowed_style(), {"seed": f"{seed}-{index}"}).to_json()
    # Closer than the original, so that eyes and mouth show at 32x32. What lies outside is not
    # seen anyway; clipping it takes a third of the time.
    head = _CLIP_GROUP.sub("<g>", avatar["svg"].replace(_FULL_VIEW_BOX, _HEAD_VIEW_BOX, 1))
    drawing = resvg_py.svg_to_bytes(
        svg_string=head, width=2 * size, height=2 * size, skip_system_fonts=True
    )
    # Twice the size, then averaged: edges between two parts come out clean.
    image = Image.open(io.BytesIO(drawing)).convert("RGB")
    buffer = io.BytesIO()
    image.resize((size, size), Image.Resampling.BOX).save(buffer, "PNG")
    return buffer.getvalue(), _varying_options(avatar["options"])


def draw_avatars(job: tuple[int, range, int]) -> list[DrawnAvatar]:
    """The avatars of a job (seed, indices, size)."""
    seed, indices, size = job
    return [draw_avatar(seed, index, size) for index in indices]


def ignore_interrupt() -> None:
    """Leave Ctrl-C to the process that started this one."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _varying_options(options: dict[str, Any]) -> dict[str, Any]:
    """Only what differs between avatars: variants, and colors as text."""
    colors = {key: value[0] for key, value in options.items() if key.endswith("Color") and value}
    variants = {key: value for key, value in options.items() if key.endswith("Variant")}
    return dict(sorted((variants | colors).items()))
