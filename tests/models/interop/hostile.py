"""Hostile files: each would run a command, or exhaust the machine, if it were believed."""

import io
import pickle
import pickletools
import struct
import zipfile
from collections.abc import Iterator

import numpy as np
import torch

from stylesmith.models.interop.file_writer import (
    Opcodes,
    ada_module,
    global_call,
    global_name,
    nested_storage,
    persistent_id,
    persistent_object,
    to_pickle,
)
from tests.models.interop.makers import TENSORFLOW_NETWORK, pickled_instance, tensorflow_network

EVIL_NAMES = [
    "os.system",
    "posix.system",
    "nt.system",
    "os.popen",
    "os.execvp",
    "subprocess.Popen",
    "subprocess.check_output",
    "pty.spawn",
    "builtins.eval",
    "builtins.exec",
    "builtins.compile",
    "builtins.__import__",
    "builtins.getattr",
    "builtins.open",
    "__builtin__.eval",
    "importlib.import_module",
    "runpy.run_path",
    "types.FunctionType",
    "types.CodeType",
    "marshal.loads",
    "pickle.loads",
    "_pickle.loads",
    "operator.attrgetter",
    "operator.methodcaller",
    "functools.partial",
    "ctypes.CDLL",
    "codecs.decode",
    "copyreg._reconstructor",
    "copyreg.add_extension",
    "shutil.rmtree",
    "webbrowser.open",
    "urllib.request.urlopen",
    "numpy.load",
    "numpy.testing._private.utils.runstring",
    "torch.load",
    "torch.hub.load",
    "torch.jit.load",
    "torch._utils._rebuild_tensor",
    "torch_utils.persistence._src_to_module",
    "torch_utils.persistence.import_hook",
    "dnnlib.util.call_func_by_name",
    "dnnlib.tflib.network.import_handler",
    "stylesmith.models.load",
    "collections.OrderedDict.fromkeys",
    "os\nsystem.x",
]
"""What a file may not name; the last one hides its name in two lines."""

START = b"\x80\x04"


def short(text: str) -> bytes:
    return b"\x8c" + bytes([len(text)]) + text.encode()


def long(content: bytes) -> bytes:
    return b"B" + struct.pack("<I", len(content)) + content


def stack_global(name: str) -> bytes:
    module, _, attribute = name.rpartition(".")
    return short(module) + short(attribute) + b"\x93"


def by_name(name: str, command: str) -> bytes:
    return START + stack_global(name) + short(command) + b"\x85R."


def wrapped(inner: bytes) -> bytes:
    """A value of raw opcodes in the state of a TensorFlow network, where settings stand."""
    network = b"cdnnlib.tflib.network\nNetwork\n)\x81"
    return START + network + b"}" + short("static_kwargs") + b"}" + short("x") + inner + b"ssb."


def in_module(inner: bytes) -> bytes:
    """A value of raw opcodes among the attributes of a StyleGAN2-ADA module."""
    meta = b"}" + short("type") + short("class") + b"s" + short("state") + b"}"
    meta += short("_buffers") + inner + b"ss"
    return START + b"ctorch_utils.persistence\n_reconstruct_persistent_obj\n" + meta + b"\x85R."


def legacy_storage(*, key: bytes = b"", magic: int = 0, keys: bytes = b"") -> bytes:
    """A nested storage, of which one pickle is another."""
    good = nested_storage(np.zeros(2, np.float32))
    pickles, rest = [], io.BytesIO(good)
    for _ in range(5):
        start = rest.tell()
        for _ in pickletools.genops(rest):
            pass
        pickles.append(good[start : rest.tell()])
    if key:
        pickles[3] = key
    if keys:
        pickles[4] = keys
    if magic:
        pickles[0] = to_pickle(magic)
    return b"".join(pickles) + good[rest.tell() :]


def load_from_bytes(content: bytes) -> bytes:
    return START + b"ctorch.storage\n_load_from_bytes\n" + long(content) + b"\x85R."


def torch_zip(pickled: bytes, parts: dict[str, bytes] | None = None, compress: bool = False):
    buffer = io.BytesIO()
    how = zipfile.ZIP_DEFLATED if compress else zipfile.ZIP_STORED
    with zipfile.ZipFile(buffer, "w", how) as archive:
        archive.writestr("archive/data.pkl", pickled)
        for name, content in (parts or {}).items():
            archive.writestr(name, content)
    return buffer.getvalue()


def system(command: str) -> bytes:
    """Opcodes whose value is that of os.system(command)."""
    return b"cos\nsystem\n" + short(command) + b"\x85R"


def executed(canary: str) -> Iterator[tuple[str, bytes]]:
    """Files that run a command when they are opened by their own programs."""
    command = f"touch {canary}"
    for name in EVIL_NAMES:
        yield f"global {name!r}", by_name(name, command)
    yield "GLOBAL REDUCE", START + system(command) + b"."
    yield "protocol 0", b"cos\nsystem\n(V" + command.encode() + b"\ntR."
    yield "INST", START + b"(" + short(command) + b"ios\nsystem\n."
    yield "OBJ", START + b"(cos\nsystem\n" + short(command) + b"o."
    yield "NEWOBJ", START + b"csubprocess\nPopen\n" + short(command) + b"\x85\x81."
    yield "NEWOBJ_EX", START + b"csubprocess\nPopen\n" + short(command) + b"\x85}\x92."
    yield "BUILD", START + b"cos\nenviron\n}" + short("x") + short("y") + b"sb."
    for opcode, argument in ((b"\x82", b"\x01"), (b"\x83", b"\1\1"), (b"\x84", b"\1\1\1\1")):
        yield f"extension {opcode!r}", START + opcode + argument + short(command) + b"\x85R."
    yield "extension 0", START + b"\x82\x00."
    names = short("os") + b"\x94" + short("system") + b"\x94"
    remembered = names + b"000h\x00h\x01\x93" + short(command) + b"\x85R."
    yield "memo", START + remembered.replace(b"000", b"00", 1)
    yield (
        "memo swapped",
        START
        + short("os")
        + b"q\x00"
        + b"0"
        + short("system")
        + b"q\x01"
        + (b"0h\x00h\x01\x93" + short(command) + b"\x85R."),
    )
    yield "in settings", wrapped(system(command))
    yield "in a module", in_module(system(command))
    yield "in a list, late", START + b"](" + b"N" * 5000 + system(command) + b"e."
    yield "as a key", START + b"}" + system(command) + b"Ns."
    yield "as an argument", START + b"ccollections\nOrderedDict\n" + system(command) + b"\x85R."
    yield "dropped again", START + system(command) + b"0N."
    yield "in a nested storage", load_from_bytes(legacy_storage(key=START + system(command) + b"."))
    yield "in a nested list", load_from_bytes(legacy_storage(keys=START + system(command) + b"."))
    yield "as a nested pickle", load_from_bytes(START + system(command) + b".")
    zipped = torch_zip(START + system(command) + b".")
    yield "a zip in a nested storage", load_from_bytes(zipped)
    yield "in a torch zip", zipped
    yield (
        "in a persistent id",
        torch_zip(START + b"(" + short("storage") + system(command) + b"tQ."),
    )
    yield "in an older torch file", legacy_storage(key=START + system(command) + b".")
    yield "persistent text", b"Pos.system\n."
    yield "persistent value", START + short(command) + b"Q."
    yield (
        "a network's class, called",
        START + b"cdnnlib.tflib.network\nNetwork\n" + (short(command) + b"\x85R."),
    )
    yield (
        "an argument for a network",
        START + b"cdnnlib.tflib.network\nNetwork\n" + (short(command) + b"\x85\x81."),
    )
    yield "a storage's type, called", START + b"ctorch\nFloatStorage\n)R."
    yield "a class changed", START + b"cdnnlib.tflib.network\nNetwork\n}" + short("x") + b"Nsb."
    yield "a dict method", START + b"cbuiltins\ndict\n)R."
    yield "objects in an array", START + b"cnumpy\ndtype\n" + short("O8") + b"\x89\x88\x87R."
    program = {"archive/code/__torch__.py": b"import os", "archive/constants.pkl": b"."}
    yield "a torch program", torch_zip(START + b"}.", program)
    yield "a torch package", torch_zip(START + b"}.", {"archive/model.py": b"import os"})


def exhausting() -> Iterator[tuple[str, bytes]]:
    """Files that ask for endless memory or time."""
    doubled = b"".join(b"](h" + bytes([i]) + b"h" + bytes([i]) + b"e\x94" for i in range(200))
    yield "a billion laughs", START + b"]\x94" + doubled + b"."
    pairs = b"".join(b"h" + bytes([i]) + b"h" + bytes([i]) + b"\x86\x94" for i in range(200))
    yield "doubled tuples", START + b"N\x94" + pairs + b"."
    yield "a doubled key", START + b"N\x94" + pairs + b"q\xff0}h\xffNs."
    yield "deep tuples", START + b"N" + b"\x85" * 250_000 + b"."
    yield "deep tuple as key", START + b"}N" + b"\x85" * 250_000 + b"Ns."
    yield "deep lists", START + b"]" * 125_000 + b"a" * 124_999 + b"."
    yield "many steps", START + b"N0" * 1_000_000 + b"N."
    yield "marks", START + b"(" * 2_000_000
    yield "a high memo", START + b"Nr\xff\xff\xff\xff."
    yield "a higher memo", b"Np99999999999999\n."
    for name, opcode in (("bytes", b"\x8e"), ("text", b"\x8d"), ("buffer", b"\x96")):
        yield f"long {name}", START + opcode + struct.pack("<Q", 1 << 60) + b"x."
        yield f"longest {name}", START + opcode + struct.pack("<Q", (1 << 64) - 1) + b"x."
    yield "a frame of endless length", START + b"\x95" + struct.pack("<Q", 1 << 62) + b"N."
    yield "a long number", START + b"\x8b" + struct.pack("<i", 1 << 30) + b"x."
    yield "a negative length", START + b"\x8b" + struct.pack("<i", -1) + b"x."
    yield "a wide number", START + b"\x8b" + struct.pack("<i", 200_000) + b"\x7f" * 200_000 + b"."
    yield "many digits", b"L" + b"9" * 1_000_000 + b"L\n."
    prime = (1 << 61) - 1
    collisions = b"".join(pickle.dumps(prime * i, 2)[2:-1] + b"N" for i in range(1, 60_000))
    yield "colliding keys", START + b"}(" + collisions + b"u."
    encode = b"h\x00h\x01\x85R0" * 30_000
    text = b"c_codecs\nencode\nq\x00X" + struct.pack("<I", 1_000_000) + b"x" * 1_000_000 + b"q\x01"
    yield "one text, often", START + text + encode + b"N."
    pieces = b"](" + b"N" * 50_000 + b"eq\x01"
    again = b"cbuiltins\nset\nq\x00" + pieces + b"h\x00h\x01\x85R0" * 30_000
    yield "one list, often", START + again + b"N."
    storage = nested_storage(np.zeros(100_000, np.float32))
    nested = b"ctorch.storage\n_load_from_bytes\nq\x00" + long(storage) + b"q\x01"
    yield "one storage, often", START + nested + b"h\x00h\x01\x85R0" * 30_000 + b"N."
    yield from _numbers()
    yield from _zips()
    yield from _modules()


def _numbers() -> Iterator[tuple[str, bytes]]:
    """Arrays and tensors that claim more than they have."""
    arguments = (global_name("numpy", "ndarray"), (0,), b"b")
    shell = global_call("numpy.core.multiarray", "_reconstruct", *arguments)
    form = global_call("numpy", "dtype", "f4", 0, 1)

    def array(shape: tuple[int, ...], content: bytes) -> bytes:
        head = shell + b"(K\x01" + to_pickle(shape)[2:-1] + form
        return b"\x80\x03" + head + b"\x89" + to_pickle(content)[2:-1] + b"tb."

    yield "a huge array", array((1 << 30, 1 << 9), b"xxxx")
    yield "a negative array", array((-1,), b"xxxx")
    yield "an endless array", array((1 << 62, 4), b"")
    storage = global_call("torch.storage", "_load_from_bytes", nested_storage(np.zeros(4)))

    def tensor(offset: int, shape: tuple[int, ...], strides: tuple[int, ...]) -> bytes:
        arguments = (storage, offset, shape, strides, False, None)
        view = global_call("torch._utils", "_rebuild_tensor_v2", *arguments)
        return to_pickle({"G_ema": {"synthesis.b4.const": view}})

    yield "a repeated tensor", tensor(0, (1 << 20, 1 << 20), (0, 0))
    yield "a tensor outside", tensor(3, (4,), (1,))
    yield "a tensor far outside", tensor(1 << 39, (1,), (1,))
    yield "a tensor before", tensor(-4, (1,), (1,))
    key = ("storage", global_name("torch", "FloatStorage"), "0", "cpu", 1 << 39, None)
    pickled = to_pickle(persistent_id(key))
    yield "a huge storage", load_from_bytes(legacy_storage(key=pickled))
    yield "a huge storage in a zip", torch_zip(to_pickle(persistent_id(key[:5])))
    huge = np.zeros((0, 1 << 39), np.float32)
    yield (
        "a huge axis",
        to_pickle(
            (tensorflow_network("G", "G", 4, {}, {"synthesis/4x4/Conv/mod_weight": huge}),) * 3
        ),
    )


def _zips() -> Iterator[tuple[str, bytes]]:
    zeros = b"\0" * 30_000_000
    yield "a zip bomb", torch_zip(to_pickle({}), {"archive/data/0": zeros}, compress=True)
    yield "a bomb of opcodes", torch_zip(START + b"N0" * 5_000_000 + b"N.", compress=True)
    names = {f"archive/data/{i}": b"" for i in range(30_000)}
    yield "a zip of very many parts", torch_zip(to_pickle({}), names)
    good = torch_zip(to_pickle({}), {"archive/data/0": b"x" * 1000})
    place = good.rfind(b"PK\x01\x02")
    grown = bytearray(good)
    grown[place + 20 : place + 28] = struct.pack("<II", 1 << 30, 1 << 30)
    yield "a part larger than the zip", bytes(grown)
    yield "a zip without pickle", torch_zip(to_pickle({})).replace(b"data.pkl", b"date.pkl")
    yield "a zip cut short", good[: len(good) // 2]
    yield "only the start of a zip", b"PK\x03\x04"
    swapped = torch_zip(to_pickle({"G_ema": 1}), {"archive/byteorder": b"big"})
    yield "big endian", swapped


def _modules() -> Iterator[tuple[str, bytes]]:
    """Modules within modules without end."""
    inner = b"}" + short("_modules") + b"}\x94s"  # one dict at many places
    meta = b"}(" + short("type") + short("class") + short("class_name") + short("Generator")
    module = b"ctorch_utils.persistence\n_reconstruct_persistent_obj\n" + meta + short("state")
    yield (
        "a module in itself",
        START
        + b"}"
        + short("G")
        + (module + inner + b"u\x85Rq\x07" + b"0h\x00" + short("again") + b"h\x07s0h\x07s."),
    )
    doubled = b"}\x94" + short("x") + module + b"}u\x85Rs0"
    for i in range(60):
        parts = b"}" + short("a") + b"h" + bytes([100 + i]) + b"s" + short("b")
        parts += b"h" + bytes([100 + i]) + b"s"
        made = module + b"}" + short("_modules") + parts + b"su\x85Rq" + bytes([101 + i]) + b"0"
        doubled += made
    first = module + b"}u\x85Rq\x640"
    yield (
        "doubled modules",
        START + first + doubled + b"}" + short("G") + b"h" + bytes([160]) + b"s.",
    )
    deep: Opcodes | dict = ada_module("Module", {}, {})
    for _ in range(20):
        state = {"_modules": {"x": deep}}
        deep = persistent_object({"class_name": "Generator", "state": state})
    yield "deep modules", to_pickle({"G_ema": deep})


def malformed() -> Iterator[tuple[str, bytes]]:
    """Files that are nothing, or no more than a part of something."""
    yield "nothing", b""
    yield "one byte", b"\x80"
    yield "no end", START + b"N"
    yield "only an end", START + b"."
    yield "an unknown opcode", START + b"\xff."
    for number in (6, 42, 255):
        yield f"protocol {number}", bytes([0x80, number]) + b"N."
    yield "nothing to pop", START + b"00000."
    yield "no mark", START + b"Nt."
    yield "an unknown memo", START + b"h\x05."
    yield "a bare number", START + b"K\x05."
    yield "an empty dict", START + b"}."
    yield "three nothings", START + b"NNN\x87."
    yield "odd items", START + b"}(Nu."
    yield "items for nothing", START + b"NNNs."
    yield "bad text", START + b"\x8c\x02\xff\xfe."
    yield "bad escapes", b"S'\\xZZ'\n."
    yield "a web page", b"<!DOCTYPE html><html>Quota exceeded</html>"
    yield "an image", b"\x89PNG\r\n\x1a\n" + bytes(100)
    yield "a text", b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n"
    yield "a gzip", b"\x1f\x8b\x08" + bytes(30)
    yield (
        "a lone network of nothing",
        to_pickle(pickled_instance(TENSORFLOW_NETWORK, {})),
    )
    saved = io.BytesIO()
    torch.save({"weight": torch.zeros(2)}, saved)
    yield "a checkpoint of something else", saved.getvalue()
    yield "a whole torch file of something else, cut", saved.getvalue()[:-30]
