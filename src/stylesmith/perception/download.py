"""Fetching a weight file: resumable, checked, and clear about what went wrong."""

import http.client
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from stylesmith.errors import ModelError, OutputError, RunError
from stylesmith.perception.weights import (
    PARTIAL_SUFFIX,
    WeightFile,
    check_weight_file,
    format_bytes,
    looks_like_html,
)

CHUNK_BYTES = 1 << 18
TIMEOUT = 30.0
"""Seconds without an answer after which the network counts as gone."""

ProgressCallback = Callable[[int, int], None]
"""Told how many bytes are there, and of how many."""


def fetch_weight_file(
    file: WeightFile,
    folder: Path,
    *,
    force: bool = False,
    on_progress: ProgressCallback | None = None,
) -> Path:
    """Download a weight file, or the rest of it, and check it.

    What has arrived stays in `NAME.part`; the file has its name once its checksum is right. A file
    that is there already is only checked, unless `force` asks for it anew.

    Raises:
        RunError: If the network or the server fails; another call goes on where this one stopped.
        ModelError: If what arrives, or what is there, is not the published file.
        OutputError: If the folder cannot be written, or the disk is full.
    """
    target = folder / file.file_name
    if target.is_file() and not force:
        check_weight_file(target, file)
        return target
    partial = target.with_name(target.name + PARTIAL_SUFFIX)
    with _disk_errors(partial):
        folder.mkdir(parents=True, exist_ok=True)
        there = partial.stat().st_size if partial.exists() else 0
        if there != file.size:
            _download(file, partial, there, on_progress)
        _check_download(partial, file)
        partial.replace(target)
    return target


def _download(
    file: WeightFile, partial: Path, there: int, on_progress: ProgressCallback | None
) -> None:
    response = _request(file, there)
    goes_on = response.status == http.HTTPStatus.PARTIAL_CONTENT  # else it starts from the top
    with response, partial.open("ab" if goes_on else "wb") as stream:
        for chunk in _read_chunks(response, file):
            if stream.tell() == 0 and looks_like_html(chunk):
                raise _web_page_error(file)
            stream.write(chunk)
            if on_progress:
                on_progress(stream.tell(), file.size)
        arrived = stream.tell()
    if arrived < file.size:
        raise RunError(
            f"{file.url}: the connection ended after {format_bytes(arrived)} of "
            f"{format_bytes(file.size)}. Run the command again to go on from there."
        )


def _request(file: WeightFile, there: int) -> http.client.HTTPResponse:
    """Ask for what is missing; a partial file longer than the whole is begun anew."""
    request = urllib.request.Request(file.url, headers={"User-Agent": "stylesmith"})
    if 0 < there < file.size:
        request.add_header("Range", f"bytes={there}-")
    with _network_errors(file):
        response: http.client.HTTPResponse = urllib.request.urlopen(request, timeout=TIMEOUT)
    if response.headers.get_content_type() == "text/html":
        response.close()
        raise _web_page_error(file)
    return response


def _read_chunks(response: http.client.HTTPResponse, file: WeightFile) -> Iterator[bytes]:
    with _network_errors(file):
        while chunk := response.read(CHUNK_BYTES):
            yield chunk


def _check_download(partial: Path, file: WeightFile) -> None:
    """Hold the complete download to its checksum; a wrong one would spoil every later attempt."""
    try:
        check_weight_file(partial, file)
    except ModelError:
        partial.unlink()
        raise


def _web_page_error(file: WeightFile) -> ModelError:
    return ModelError(
        f"{file.url}: a web page came instead of the file; perhaps a proxy or sign-in page. "
        f"Fetch it with a browser, then `stylesmith weights add {file.name} FILE`."
    )


@contextmanager
def _network_errors(file: WeightFile) -> Iterator[None]:
    elsewhere = f"fetch it on another machine, then `stylesmith weights add {file.name} FILE`"
    try:
        yield
    except urllib.error.HTTPError as error:
        error.close()
        raise RunError(
            f"{file.url}: the server answered {error.code} ({error.reason}). "
            f"Try later, or {elsewhere}."
        ) from error
    except (OSError, http.client.HTTPException) as error:
        reason = getattr(error, "reason", None) or error
        raise RunError(
            f"{file.url}: cannot be reached ({reason}). Run the command again when there is a "
            f"network; what has arrived is kept. Or {elsewhere}."
        ) from error


@contextmanager
def _disk_errors(partial: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise OutputError(
            f"{partial}: cannot be written ({error.strerror or error}). Free some space, or name "
            "another folder with STYLESMITH_WEIGHTS; what has arrived is kept."
        ) from error
