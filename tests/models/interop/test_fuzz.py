"""Good files, changed at random: they are read or refused, and nothing else ever happens."""

import io
import random
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from stylesmith.errors import ModelError
from stylesmith.models import load_bundle
from stylesmith.models.interop import describe_file, write_external
from tests.models.interop.makers import discriminator, generator, tensorflow_file

TINY = {"levels": 2, "max_channels": 2, "mapping": {"z_dim": 3, "w_dim": 3, "layers": 1}}
CRITIC = {"levels": 2, "max_channels": 2}


@pytest.fixture(scope="module")
def good_files(tmp_path_factory) -> list[bytes]:
    """One small file of every layout."""
    folder: Path = tmp_path_factory.mktemp("fuzz")
    ema, critic = generator(**TINY), discriminator(**CRITIC)
    both = {"G_ema": ema, "D": critic}
    labels = generator(
        **TINY | {"mapping": TINY["mapping"] | {"label_mode": "embed"}}, label_size=2
    )
    old = generator(**TINY, kind="adain", connection="grow")
    old_critic = discriminator(**CRITIC, connection="grow", resample="[1,2,1]")
    paths = [folder / f"{i}{'.pt' if i in (2, 3) else '.pkl'}" for i in range(6)]
    write_external(paths[0], "ada", both)
    write_external(paths[1], "ada", {"G_ema": labels})
    write_external(paths[2], "ada", both)
    write_external(paths[3], "rosinality", both)
    tensorflow_file(paths[4], ema, critic)
    tensorflow_file(paths[5], old, old_critic)
    for path in paths:
        load_bundle(path)
    return [path.read_bytes() for path in paths]


def flip(data: bytearray, dice: random.Random) -> None:
    for _ in range(dice.choice((1, 1, 1, 2, 8))):
        data[dice.randrange(len(data))] ^= 1 << dice.randrange(8)


def overwrite(data: bytearray, dice: random.Random) -> None:
    start = dice.randrange(len(data))
    data[start : start + dice.randrange(1, 9)] = dice.randbytes(dice.randrange(1, 9))


def cut(data: bytearray, dice: random.Random) -> None:
    del data[dice.randrange(len(data)) :]


def drop(data: bytearray, dice: random.Random) -> None:
    start = dice.randrange(len(data))
    del data[start : start + dice.randrange(1, 64)]


def repeat(data: bytearray, dice: random.Random) -> None:
    start, place = dice.randrange(len(data)), dice.randrange(len(data))
    data[place:place] = data[start : start + dice.randrange(1, 64)]


def number(data: bytearray, dice: random.Random) -> None:
    """A byte that often is a length, a count or an opcode."""
    data[dice.randrange(len(data))] = dice.choice(b"\x00\x01\xff\x7f.(0RbQ}])tseu\x81\x85\x93\x94")


MUTATIONS: list[Callable[[bytearray, random.Random], None]] = [
    flip,
    overwrite,
    cut,
    drop,
    repeat,
    number,
]


def mutated(content: bytes, dice: random.Random) -> bytes:
    """A changed copy; of a zip often its pickle alone, so that checksums still fit."""
    if content.startswith(b"PK") and dice.random() < 0.7:
        return rezipped(content, dice)
    data = bytearray(content)
    dice.choice(MUTATIONS)(data, dice)
    return bytes(data)


def rezipped(content: bytes, dice: random.Random) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(buffer, "w") as new:
        for name in old.namelist():
            part = bytearray(old.read(name))
            if name.endswith("data.pkl"):
                dice.choice(MUTATIONS)(part, dice)
            new.writestr(name, bytes(part))
    return buffer.getvalue()


def fuzz(good_files: list[bytes], folder: Path, seeds: range) -> None:
    refused, path = 0, folder / "mutant.pkl"
    for seed in seeds:
        dice = random.Random(seed)
        path.write_bytes(mutated(dice.choice(good_files), dice))
        try:
            load_bundle(path, partial=seed % 5 == 0)
        except ModelError as error:
            refused += 1
            assert "\n" not in str(error) and str(error).isprintable(), seed
        except Exception as error:
            raise AssertionError(f"mutant {seed} was neither read nor refused") from error
        if seed % 10 == 0:
            describe_file(path)
    assert 0.4 * len(seeds) < refused < len(seeds)  # the mutations matter, and not all are fatal


def test_a_thousand_changed_files(good_files, tmp_path):
    fuzz(good_files, tmp_path, range(1000))


@pytest.mark.slow
def test_ten_thousand_changed_files(good_files, tmp_path):
    fuzz(good_files, tmp_path, range(1000, 11_000))
