"""The token that a browser must show: 128 random bits in a file that only its user can read.

It is kept for a day, so that an open page finds a server that was started again.
"""

import contextlib
import os
import re
import secrets
import stat
import time
from pathlib import Path

from stylesmith import files
from stylesmith.errors import StylesmithError

TOKEN_SECONDS = 24 * 3600
"""How long a token is used for new servers."""
_TOKEN = re.compile(r"[0-9a-f]{32}")


def access_token() -> str:
    """The token of this user: the one kept, or else a new one."""
    try:
        path = files.cache_folder() / "explorer-token"
    except StylesmithError:
        return secrets.token_hex(16)
    return _read_token(path) or _new_token(path)


def _read_token(path: Path) -> str | None:
    """The token of a file that is young, and private to this user."""
    try:
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0))
    except OSError:
        return None
    with open(descriptor) as file:
        facts = os.fstat(descriptor)
        private = os.name == "nt" or (
            facts.st_uid == os.getuid() and not stat.S_IMODE(facts.st_mode) & 0o077
        )
        if not private or not 0 <= time.time() - facts.st_mtime < TOKEN_SECONDS:
            return None
        text = file.read(64)
    return text if _TOKEN.fullmatch(text) else None


def _new_token(path: Path) -> str:
    token = secrets.token_hex(16)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    with contextlib.suppress(OSError):  # then it is one for this server alone
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.unlink(missing_ok=True)
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with open(descriptor, "w") as file:
            file.write(token)
        temporary.replace(path)
    return token
