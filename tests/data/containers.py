"""Writers of containers that share no code with the readers: libraries, or a little struct."""

import gzip
import io
import json
import pickle
import struct
import tarfile
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from PIL import Image
from tensorboard.summary.writer.record_writer import RecordWriter


def png(pixels: np.ndarray, format: str = "PNG") -> bytes:
    """The file of an image `(H, W, C)`."""
    buffer = io.BytesIO()
    Image.fromarray(pixels if pixels.shape[-1] > 1 else pixels[..., 0]).save(buffer, format)
    return buffer.getvalue()


def _example_class() -> type:
    """`tf.train.Example`, from a description made here."""
    file = descriptor_pb2.FileDescriptorProto(name="example.proto", package="t", syntax="proto3")
    field = descriptor_pb2.FieldDescriptorProto

    def message(parent, name, *fields):
        made = (parent.message_type if parent is file else parent.nested_type).add(name=name)
        for number, (title, kind, label, type_name) in enumerate(fields, start=1):
            made.field.add(
                name=title, number=number, type=kind, label=label, type_name=type_name or None
            )
        return made

    many, one = field.LABEL_REPEATED, field.LABEL_OPTIONAL
    message(file, "BytesList", ("value", field.TYPE_BYTES, many, ""))
    message(file, "FloatList", ("value", field.TYPE_FLOAT, many, ""))
    message(file, "Int64List", ("value", field.TYPE_INT64, many, ""))
    message(
        file,
        "Feature",
        ("bytes_list", field.TYPE_MESSAGE, one, ".t.BytesList"),
        ("float_list", field.TYPE_MESSAGE, one, ".t.FloatList"),
        ("int64_list", field.TYPE_MESSAGE, one, ".t.Int64List"),
    )
    features = message(file, "Features", ("feature", field.TYPE_MESSAGE, many, ".t.Features.Entry"))
    message(
        features,
        "Entry",
        ("key", field.TYPE_STRING, one, ""),
        ("value", field.TYPE_MESSAGE, one, ".t.Feature"),
    )
    message(file, "Example", ("features", field.TYPE_MESSAGE, one, ".t.Features"))
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("t.Example"))


Example = _example_class()


def example(**features: bytes | Sequence[int]) -> bytes:
    """A serialized `tf.train.Example`."""
    made = Example()
    for name, value in features.items():
        entry = made.features.feature.add(key=name)
        if isinstance(value, bytes):
            entry.value.bytes_list.value.append(value)
        else:
            entry.value.int64_list.value.extend(value)
    return made.SerializeToString()


def pixel_example(pixels: np.ndarray) -> bytes:
    """The example that StyleGAN writes of an image `(H, W, C)`."""
    chw = pixels.transpose(2, 0, 1)
    return example(shape=chw.shape, data=chw.tobytes())


def write_records(path: Path, payloads: Sequence[bytes]) -> Path:
    """A TFRecord file, by TensorBoard's writer."""
    with path.open("wb") as file:
        writer = RecordWriter(file)
        for payload in payloads:
            writer.write(payload)
        writer.flush()
    return path


def write_tfrecords(folder: Path, images: np.ndarray, classes: np.ndarray | None) -> Path:
    """The levels of StyleGAN's data set, of which lower ones are averages, with labels."""
    folder.mkdir()
    level, size = images.astype(float), images.shape[1]
    while size >= 4:
        rounded = np.rint(level).astype(np.uint8)
        name = f"photos-r{size.bit_length() - 1:02d}.tfrecords"
        write_records(folder / name, [pixel_example(one) for one in rounded])
        n, side, _, channels = level.shape
        level = level.reshape(n, side // 2, 2, side // 2, 2, channels).mean(axis=(2, 4))
        size //= 2
    if classes is not None:
        one_hot = np.eye(classes.max() + 1, dtype=np.float32)[classes]
        with (folder / "photos-rxx.labels").open("wb") as file:
            np.save(file, one_hot)
    return folder


def write_jpeg_records(folder: Path, images: np.ndarray, classes: np.ndarray | None) -> Path:
    """One file whose records hold image files, as forks write them; PNG, to lose nothing."""
    folder.mkdir()
    payloads = [example(data=png(one), shape=[3, *one.shape[:2]]) for one in images]
    write_records(folder / "photos-r03.tfrecords", payloads)
    if classes is not None:
        np.save(folder / "x.npy", classes)
        (folder / "x.npy").rename(folder / "photos-rxx.labels")
    return folder


def add_member(tar: tarfile.TarFile, name: str, content: bytes) -> None:
    """Add a file of some bytes to a tar."""
    info = tarfile.TarInfo(name)
    info.size = len(content)
    tar.addfile(info, io.BytesIO(content))


def write_shards(
    folder: Path, images: np.ndarray, classes: np.ndarray | None, *, per_shard: int = 5
) -> Path:
    """Tar shards as WebDataset writes them, with an index as wids has it."""
    folder.mkdir()
    shards = []
    for start in range(0, len(images), per_shard):
        name = f"photos-{start // per_shard:06d}.tar"
        numbers = range(start, min(start + per_shard, len(images)))
        with tarfile.open(folder / name, "w") as tar:
            for number in numbers:
                add_member(tar, f"{number:06d}.png", png(images[number]))
                if classes is not None:
                    add_member(tar, f"{number:06d}.cls", str(classes[number]).encode())
        shards.append({"url": name, "nsamples": len(numbers)})
    index = {"wids_version": 1, "shardlist": shards}
    (folder / "index.json").write_text(json.dumps(index))
    return folder


def write_npy(folder: Path, images: np.ndarray, classes: np.ndarray | None) -> Path:
    """An array of images with channels last, and one of labels."""
    folder.mkdir()
    np.save(folder / "photos.npy", images)
    if classes is not None:
        np.save(folder / "photos-labels.npy", classes)
    return folder / "photos.npy"


def write_npz(path: Path, images: np.ndarray, classes: np.ndarray | None) -> Path:
    """Arrays of images with channels first, and labels, not compressed."""
    arrays = {"images": images.transpose(0, 3, 1, 2)}
    arrays |= {"labels": classes} if classes is not None else {}
    np.savez(path.with_suffix(".npz"), **arrays)
    return path.with_suffix(".npz")


def write_packed_npz(path: Path, images: np.ndarray, classes: np.ndarray | None) -> Path:
    """Compressed arrays as MedMNIST names them, with a part for testing."""
    arrays = {"train_images": images, "test_images": 255 - images}
    if classes is not None:
        arrays |= {"train_labels": classes[:, None], "test_labels": classes[:, None]}
    np.savez_compressed(path.with_suffix(".npz"), **arrays)
    return path.with_suffix(".npz")


CONTAINERS: dict[str, Callable[[Path, np.ndarray, np.ndarray | None], Path]] = {
    "tfrecords": write_tfrecords,
    "records of files": write_jpeg_records,
    "shards": write_shards,
    "npy": write_npy,
    "npz": write_npz,
    "compressed npz": write_packed_npz,
}


def write_cifar(
    folder: Path, images: np.ndarray, classes: np.ndarray, names: Sequence[str]
) -> Path:
    """The Python version of CIFAR-10, of any number of images; the last one is for testing."""
    folder.mkdir()
    rows = images.transpose(0, 3, 1, 2).reshape(len(images), -1)
    parts = [*np.array_split(np.arange(len(images) - 1), 5), np.array([len(images) - 1])]
    titles = [*(f"data_batch_{i}" for i in range(1, 6)), "test_batch"]
    for title, part in zip(titles, parts, strict=True):
        value = {b"data": rows[part], b"labels": classes[part].tolist(), b"batch_label": b"x"}
        (folder / title).write_bytes(pickle.dumps(value, protocol=2))
    meta = {b"label_names": [name.encode() for name in names]}
    (folder / "batches.meta").write_bytes(pickle.dumps(meta, protocol=2))
    return folder


def write_binary_cifar(
    folder: Path, images: np.ndarray, classes: np.ndarray, names: Sequence[str]
) -> Path:
    """The binary version of the same."""
    folder.mkdir()
    rows = [
        bytes([label]) + one.transpose(2, 0, 1).tobytes()
        for one, label in zip(images, classes, strict=True)
    ]
    for i, part in enumerate(np.array_split(np.arange(len(images) - 1), 5), start=1):
        (folder / f"data_batch_{i}.bin").write_bytes(b"".join(rows[j] for j in part))
    (folder / "test_batch.bin").write_bytes(rows[-1])
    (folder / "batches.meta.txt").write_text("\n".join([*names, ""]))
    return folder


def idx(values: np.ndarray) -> bytes:
    """An IDX file of bytes."""
    shape = struct.pack(f">{values.ndim}I", *values.shape)
    return bytes([0, 0, 8, values.ndim]) + shape + values.astype(np.uint8).tobytes()


def write_mnist(folder: Path, images: np.ndarray, classes: np.ndarray, *, packed: bool) -> Path:
    """MNIST's four files, `images` `(N, 28, 28)`; the last image is for testing."""
    folder.mkdir()
    for part, rows in {"train": slice(0, -1), "t10k": slice(-1, None)}.items():
        for kind, values in {"images-idx3": images[rows], "labels-idx1": classes[rows]}.items():
            content = idx(values)
            path = folder / f"{part}-{kind}-ubyte{'.gz' if packed else ''}"
            path.write_bytes(gzip.compress(content) if packed else content)
    return folder
