"""Published metrics, by the preset that they belong to.

Only part of these numbers could be confirmed by a second source: the documents of a tool, a page
that quotes them, the papers' text. The others are recalled, are marked `~` wherever they are shown,
and must not decide a test.

Path length in StyleGAN is measured along full paths, of the cropped face, in W, or in Z where there
is no mapping network; in StyleGAN2 at path ends in W, of the whole image. The two cannot be
compared.
"""

from dataclasses import dataclass

RECALLED_MARK = "~"
"""Mark of a number that no second source confirms."""


@dataclass(frozen=True)
class PublishedValue:
    """A published number."""

    digits: str
    """As printed."""
    confirmed: bool
    """Whether a second source has it too; otherwise it is recalled."""

    @classmethod
    def parse(cls, word: str) -> "PublishedValue":
        """A number as our tables have it: `4.40`, or `~4.39` where it is recalled."""
        return cls(word.lstrip(RECALLED_MARK), not word.startswith(RECALLED_MARK))

    @property
    def number(self) -> float:
        """The number itself."""
        return float(self.digits)

    def __str__(self) -> str:
        """The digits, marked where they are recalled."""
        return self.digits if self.confirmed else f"{RECALLED_MARK}{self.digits}"


@dataclass(frozen=True)
class PublishedResults:
    """Metrics of one training run; None where the paper gives none."""

    fid: PublishedValue | None = None
    path_length: PublishedValue | None = None
    precision: PublishedValue | None = None
    recall: PublishedValue | None = None

    @classmethod
    def parse(cls, text: str) -> "PublishedResults":
        """FID, path length, precision, recall, as far as given: `4.40 ~212.1 ~.721 ~.399`."""
        return cls(*map(PublishedValue.parse, text.split()))


_PUBLISHED_TEXTS = {
    # StyleGAN, Tables 1 and 3, FFHQ.
    "stylegan-a": "8.04",
    "stylegan-b": "~5.25 ~412.0",
    "stylegan-c": "~4.85",
    "stylegan-d": "~4.88 ~446.2",
    "stylegan-e": "~4.42 ~200.5",
    "stylegan-f": "4.40 ~234.0",
    # StyleGAN, Table 1, CelebA-HQ.
    "stylegan-a-celebahq": "~7.79",
    "stylegan-b-celebahq": "~6.11",
    "stylegan-c-celebahq": "~5.34",
    "stylegan-d-celebahq": "~5.07",
    "stylegan-e-celebahq": "~5.06",
    "stylegan-f-celebahq": "~5.17",
    # StyleGAN, Table 2 (one latent) and Table 3, FFHQ.
    "stylegan-f-mix0": "~4.42 ~200.5",
    "stylegan-f-mix50": "~4.41 ~231.5",
    "stylegan-f-mix90": "4.40 ~234.0",
    "stylegan-f-mix100": "~4.83",
    # StyleGAN, Table 4, FFHQ.
    "stylegan-b-map0": "~5.25 ~412.0",
    "stylegan-b-map8": "~4.87 ~324.5",
    "stylegan-f-map0": "~5.06 ~283.5",
    "stylegan-f-map1": "~4.60 ~219.9",
    "stylegan-f-map2": "~4.43 ~217.8",
    "stylegan-f-map8": "4.40 ~234.0",
    # StyleGAN, appendix E.
    "stylegan-f-bedroom": "2.65",
    "stylegan-f-car": "~3.27",
    "stylegan-f-cat": "8.53",
    # StyleGAN2, Table 1, FFHQ.
    "stylegan2-a": "4.40 ~212.1 ~.721 ~.399",
    "stylegan2-b": "~4.39 ~175.4 ~.702 ~.425",
    "stylegan2-c": "~4.38 ~158.0 ~.719 ~.427",
    "stylegan2-d": "~4.34 ~122.5 ~.715 ~.418",
    "stylegan2-e": "~3.31 ~124.5 ~.705 ~.449",
    "stylegan2-f": "2.84 145.0 .689 .492",
    "stylegan2-a-large": "~3.98 ~199.2 ~.716 ~.422",
    # StyleGAN2, Table 1, LSUN Car.
    "stylegan2-a-car": "~3.27 ~1484.5 ~.701 ~.435",
    "stylegan2-b-car": "~3.04 ~862.4 ~.685 ~.488",
    "stylegan2-c-car": "~2.83 ~981.6 ~.688 ~.493",
    "stylegan2-d-car": "~3.43 ~651.2 ~.697 ~.452",
    "stylegan2-e-car": "~3.19 ~471.2 ~.690 ~.454",
    "stylegan2-f-car": "2.32 ~415.5 ~.678 ~.514",
    # StyleGAN2, Table 2, FFHQ.
    "stylegan2-e-gorig-dorig": "~4.32 ~265",
    "stylegan2-e-gorig-dskip": "~4.18 ~235",
    "stylegan2-e-gorig-dresid": "~3.58 ~269",
    "stylegan2-e-gskip-dorig": "~4.33 ~169",
    "stylegan2-e-gskip-dskip": "~3.77 ~127",
    "stylegan2-e-gskip-dresid": "~3.31 ~125",
    "stylegan2-e-gresid-dorig": "~4.35 ~203",
    "stylegan2-e-gresid-dskip": "~3.96 ~229",
    "stylegan2-e-gresid-dresid": "~3.79 ~243",
    # StyleGAN2, Table 3.
    "stylegan2-a-cat": "8.53 924",
    "stylegan2-f-cat": "6.93 ~439",
    "stylegan2-a-church": "~4.21 ~742",
    "stylegan2-f-church": "3.86 ~342",
    "stylegan2-a-horse": "~3.83 ~1405",
    "stylegan2-f-horse": "3.43 ~338",
}

PUBLISHED_RESULTS = {name: PublishedResults.parse(text) for name, text in _PUBLISHED_TEXTS.items()}
"""By name of the preset; a row without a data set stands for FFHQ."""


def published_results_of(preset: str) -> PublishedResults:
    """What the paper measured with a preset; all None where it gives nothing."""
    return PUBLISHED_RESULTS.get(preset.removesuffix("-ffhq"), PublishedResults())
