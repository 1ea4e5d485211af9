"""Binary frames of cloakroom.v1: 16 bytes of job id, then a chunk of the image."""

from collections.abc import Iterator
from typing import Final

from daemon.wire.protocol import LIMITS, ProtocolError

ID_BYTES: Final = 16
MAX_CHUNK: Final = LIMITS.chunk
MAX_FRAME: Final = ID_BYTES + MAX_CHUNK


def encode_frame(job: str, chunk: bytes | memoryview) -> bytes:
    """The frame of one chunk.

    Raises:
        ProtocolError: the job is no id, or the chunk is empty or longer than 4 MiB.
    """
    try:
        identifier = bytes.fromhex(job)
    except ValueError:
        raise ProtocolError from None
    if len(identifier) != ID_BYTES or not 0 < len(chunk) <= MAX_CHUNK:
        raise ProtocolError
    return identifier + chunk


def decode_frame(frame: bytes) -> tuple[str, memoryview]:
    """The job id and the chunk of a frame.

    Raises:
        ProtocolError: shorter than an id and one byte, or longer than 16 bytes and 4 MiB.
    """
    if not ID_BYTES < len(frame) <= MAX_FRAME:
        raise ProtocolError
    return frame[:ID_BYTES].hex(), memoryview(frame)[ID_BYTES:]


def encode_frames(job: str, data: bytes, chunk: int = MAX_CHUNK) -> Iterator[bytes]:
    """All frames of an image, in order, in chunks of at most `chunk` bytes."""
    view = memoryview(data)
    for start in range(0, len(view), chunk):
        yield encode_frame(job, view[start : start + chunk])


class Assembly:
    """Puts the chunks of one job together, and holds no byte more than was promised.

    Args:
        size: bytes to come, more than none.
    """

    def __init__(self, size: int) -> None:
        if size < 1:
            raise ProtocolError
        self.size = size
        self._data = bytearray()

    @property
    def received(self) -> int:
        """Bytes so far."""
        return len(self._data)

    @property
    def complete(self) -> bool:
        return len(self._data) == self.size

    def add(self, chunk: bytes | memoryview) -> bool:
        """Take the next chunk; True once all bytes are here.

        Raises:
            ProtocolError: the chunk is empty, or more than was promised.
        """
        if not len(chunk) or len(self._data) + len(chunk) > self.size:
            raise ProtocolError
        self._data += chunk
        return self.complete

    def bytes(self) -> bytes:
        """The whole image.

        Raises:
            ProtocolError: chunks are missing.
        """
        if not self.complete:
            raise ProtocolError
        return bytes(self._data)
