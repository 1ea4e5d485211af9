"""Tokens that outlive the process that made them: whoever uses one is set up once."""

import os
import secrets
from pathlib import Path

from daemon.state.folder import write_private


def kept_token(path: Path) -> str:
    """The token of a file, made where there is none. One that others could read, or that is too short, is replaced.

    Raises:
        OSError: it cannot be kept.
    """
    try:
        kept = path.read_text(encoding="ascii").strip()
        is_private = os.name != "posix" or not path.stat().st_mode & 0o077
    except (OSError, UnicodeError):
        kept, is_private = "", False
    if len(kept) < 64 or not is_private:
        kept = secrets.token_hex(32)
        write_private(path, f"{kept}\n".encode())
    return kept
