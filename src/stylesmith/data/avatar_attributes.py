"""What an avatar shows, derived exactly from the options that DiceBear chose for it.

An attribute is of what can be seen: hair under a hat has no color and no length, and eyes behind
sunglasses are neither open nor closed. Clothes may be partly covered by hair.
"""

from collections.abc import Mapping

AvatarOptions = Mapping[str, str]

HATS = frozenset(
    ("hat", "hijab", "turban", "winterHat02", "winterHat03", "winterHat04", "winterHat1")
)
WINTER_HATS = frozenset(name for name in HATS if name.startswith("winter"))
LONG_HAIR = frozenset(
    (
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
    )
)
SHORT_HAIR = frozenset(
    (
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
    )
)
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
    return {
        **_hair_attributes(options),
        **_face_attributes(options),
        **_eye_attributes(options),
        **_mouth_attributes(options),
        **_clothes_attributes(options),
    }


def _hair_attributes(options: AvatarOptions) -> dict[str, bool]:
    top, color = options["topVariant"], HAIR_CLASS_NAMES[hair_class(options)]
    return {
        "hat": top in HATS,
        "winter_hat": top in WINTER_HATS,
        "long_hair": top in LONG_HAIR,
        "short_hair": top in SHORT_HAIR,
        "curly_hair": top in CURLY_HAIR,
        "dark_hair": color == "dark",
        "brown_hair": color == "brown",
        "blond_hair": color == "blond",
        "white_hair": color == "white",
        "red_or_pink_hair": color in {"red", "pink"},
    }


def _face_attributes(options: AvatarOptions) -> dict[str, bool]:
    facial_hair = options.get("facialHairVariant", "")
    brows, skin = options["eyebrowsVariant"], options["skinColor"]
    return {
        "facial_hair": bool(facial_hair),
        "beard": facial_hair.startswith("beard"),
        "moustache_only": facial_hair.startswith("moustache"),
        "dark_skin": skin in {"#614335", "#ae5d29"},
        "light_skin": skin in {"#edb98a", "#ffdbb4"},
        "angry_brows": brows.startswith("angry"),
        "raised_brows": brows.startswith("raised"),
        "sad_brows": brows.startswith("sad"),
    }


def _eye_attributes(options: AvatarOptions) -> dict[str, bool]:
    glasses = options.get("accessoriesVariant", "")
    hidden = glasses in SUNGLASSES
    eyes = "" if hidden else options["eyesVariant"]
    return {
        "glasses": bool(glasses) and not hidden,
        "sunglasses": hidden,
        "eyes_closed": eyes in {"happy", "closed"},
        "eyes_wide": eyes == "surprised",
        "eyes_aside": eyes in {"side", "squint"},
    }


def _mouth_attributes(options: AvatarOptions) -> dict[str, bool]:
    mouth = options["mouthVariant"]
    return {
        "smiling": mouth in {"smile", "twinkle", "default", "tongue"},
        "mouth_open": mouth not in {"twinkle", "serious", "sad"},
        "teeth": mouth in {"smile", "tongue", "grimace"},
        "unhappy_mouth": mouth in {"sad", "concerned", "screamOpen"},
    }


def _clothes_attributes(options: AvatarOptions) -> dict[str, bool]:
    clothes = options["clothesVariant"]
    return {
        "jacket": clothes.startswith("blazer"),
        "hoodie": clothes == "hoodie",
        "shirt": clothes.startswith("shirt") or clothes == "graphicShirt",
        "blue_background": options["backgroundColor"] == "#b6e3f4",
        "green_background": options["backgroundColor"] == "#c8f0dc",
    }
