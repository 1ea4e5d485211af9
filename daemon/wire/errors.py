"""Every way a job can fail, by name, with a sentence for people that says what to do next.

The sentences are constants: an error message never carries a file name, a path or anything of the photo.
"""

from typing import Final, Literal, get_args

Code = Literal[
    "empty",
    "not-an-image",
    "unsupported-format",
    "animated",
    "truncated",
    "too-large",
    "too-many-pixels",
    "busy",
    "deadline",
    "worker-died",
    "cancelled",
    "unknown-job",
    "bad-request",
    "internal",
]
CODES: Final[tuple[Code, ...]] = get_args(Code)

SENTENCES: Final[dict[Code, str]] = {
    "empty": "The file is empty. Pick it again, or another one.",
    "not-an-image": "The file is not an image. Pick a JPEG, PNG or WebP photo.",
    "unsupported-format": "This kind of image cannot be cloaked. Save it as JPEG, PNG or WebP and pick that file.",
    "animated": "Animated images cannot be cloaked. Save one frame as JPEG, PNG or WebP and pick that file.",
    "truncated": "The image is damaged or ends too early. Copy or download it again and pick the new file.",
    "too-large": "The file is larger than 64 MiB. Save a smaller copy and pick that.",
    "too-many-pixels": "The image has more than 120 megapixels. Save a smaller copy and pick that.",
    "busy": "Too many photos are waiting already. Try again when some are done.",
    "deadline": "Cloaking this photo took too long and was stopped. Try again, or pick a smaller copy.",
    "worker-died": "The part that cloaks photos stopped twice on this one. Run `cloakroom doctor`, then try again.",
    "cancelled": "Cancelled: nothing was cloaked. Pick the photo again to start over.",
    "unknown-job": "This photo is no longer known here (results are kept two minutes). Pick it again.",
    "bad-request": "The request could not be understood. Update the extension and Cloakroom to the same version.",
    "internal": "Something went wrong in Cloakroom itself. Run `cloakroom doctor`, then try again.",
}


class CloakroomError(Exception):
    """A failure with a name that the protocol knows.

    Args:
        code: one of CODES.
        sentence: replaces the usual sentence where more can be said; no names, paths or keys in it.
    """

    def __init__(self, code: Code, sentence: str | None = None) -> None:
        super().__init__(code)
        self.code: Code = code
        self.sentence: str = sentence or SENTENCES[code]
