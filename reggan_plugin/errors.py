"""Everything that reggan-plugin raises on purpose.

    RegganError                     exit 1
    ├── UsageError                  exit 2: invalid arguments
    │   ├── RangeOutsideError   a frame range that holds no frame of the shot
    │   ├── UnknownExpressionError
    │   └── UnknownModelError
    ├── SourceError                 exit 1: what was asked for is not on disk as it should be
    │   ├── EmptySourceError
    │   ├── AmbiguousSourceError
    │   ├── MeshError               a mesh that cannot be read, or has no UVs
    │   ├── TextureError            a map that is not colour, or not this mesh's
    │   └── UnreadableFrameError
    │       ├── UnsupportedFormatError
    │       └── MissingChannelsError
    ├── StalledError                exit 1: a disk or network folder does not answer
    ├── OutputError                 exit 1: the result cannot be written
    │   ├── OutputExistsError
    │   └── UnsafeCacheError        others could have written what the cache holds
    ├── SigningError                exit 1: certificate or key cannot sign
    ├── FaceNotFoundError           exit 1
    ├── UnusableAnswerError         exit 1: what a model says of one face
    ├── ModelError                  exit 1: the model file cannot be honoured
    │   ├── ModelCardError
    │   ├── ModelHashError
    │   ├── ModelParityError
    │   ├── EngineError
    │   ├── SignatureError          no signature, or somebody else's
    │   └── DeviceMemoryError       a run did not fit into the memory of its device
    ├── DeviceUnavailableError      exit 1
    └── MissingExtraError           exit 1: an optional package is not installed

An error is data: its `kind`, a short word that stays, its fields, and a sentence that says what was
found and what was expected. What to do about it in the words of a front end (an option, a button)
stands in that front end's table of remedies, by kind: `commands/remedies.py` for the command line,
`blender_addon/bridge/remedies.py` for Blender.
"""

from collections.abc import Mapping
from typing import Any, ClassVar, Self

Field = str | int | float | bool | None


class Remark(str):
    """A sentence for the user that carries what it is.

    Attributes:
        kind: a short word that stays when the sentence is written better.
        fields: what the sentence names, by name, for remedies and programs.
    """

    __slots__ = ("fields", "kind")

    kind: str
    fields: Mapping[str, Field]

    def __new__(cls, sentence: str, kind: str = "note", **fields: object) -> Self:
        """Hold a sentence; paths and other objects among the fields become text."""
        remark = super().__new__(cls, sentence)
        remark.kind = kind
        remark.fields = {
            name: value if isinstance(value, Field) else str(value)
            for name, value in fields.items()
        }
        return remark

    def after(self, words: str) -> Self:
        """Return the same remark, its sentence begun with `words`."""
        return type(self)(f"{words}{self}", self.kind, **self.fields)


class RegganError(Exception):
    """Base of all errors that a user can act on.

    Attributes:
        remark: the error as data: sentence, kind and fields.
    """

    exit_code: ClassVar[int] = 1
    default_kind: ClassVar[str] = "failed"

    def __init__(self, sentence: str, /, *, kind: str | None = None, **fields: object) -> None:
        super().__init__(sentence)
        self.remark = Remark(sentence, kind or self.default_kind, **fields)

    @property
    def kind(self) -> str:
        """A short word that stays."""
        return self.remark.kind

    @property
    def fields(self) -> Mapping[str, Field]:
        """Values that the sentence names, by name."""
        return self.remark.fields

    def after(self, words: str) -> Self:
        """Return the same error, its sentence begun with `words`."""
        return type(self)(f"{words}{self}", kind=self.kind, **self.fields)


class UsageError(RegganError):
    """The request contradicts itself or names something that does not exist."""

    default_kind = "usage"
    exit_code = 2


class RangeOutsideError(UsageError):
    """A frame range that holds no frame of the shot."""

    default_kind = "range-outside"


class UnknownExpressionError(UsageError):
    """An expression name that is neither a name nor an alias."""

    default_kind = "unknown-expression"


class UnknownModelError(UsageError):
    """A model name that is not among the installed ones and not a file."""

    default_kind = "unknown-model"


class SourceError(RegganError):
    """The frames asked for are not there as they should be."""

    default_kind = "source"


class EmptySourceError(SourceError):
    """A folder, pattern or range that holds no frame."""

    default_kind = "empty-source"


class AmbiguousSourceError(SourceError):
    """A folder that holds more than one sequence."""

    default_kind = "ambiguous-source"


class MeshError(SourceError):
    """A mesh file that is broken, or that gives a texture no place."""

    default_kind = "mesh"


class TextureError(SourceError):
    """A map that is not a colour map, or not the one of the mesh."""

    default_kind = "texture"


class UnreadableFrameError(SourceError):
    """A frame that is damaged or not an image."""

    default_kind = "unreadable-frame"


class UnsupportedFormatError(UnreadableFrameError):
    """An image that is sound, but of a kind that cannot be written back faithfully."""

    default_kind = "unsupported-format"


class MissingChannelsError(UnreadableFrameError):
    """An EXR in which no layer holds red, green and blue."""

    default_kind = "missing-channels"


class StalledError(RegganError):
    """A disk, a network folder or a process of ours that did not answer in time."""

    default_kind = "stalled"


class OutputError(RegganError):
    """The result cannot be written where it should go."""

    default_kind = "output"


class OutputExistsError(OutputError):
    """The output is there already, and may be neither kept nor replaced."""

    default_kind = "output-exists"


class UnsafeCacheError(OutputError):
    """A folder for compiled code that somebody else owns or can write to."""

    default_kind = "unsafe-cache"


class SigningError(RegganError):
    """A certificate or key that cannot sign, or a picture that cannot be signed."""

    default_kind = "signing"


class FaceNotFoundError(RegganError):
    """No face where one was needed."""

    default_kind = "face-not-found"


class UnusableAnswerError(RegganError):
    """Numbers of a model that no change of a face can be made of; of another face they may do."""

    default_kind = "unusable-answer"


class ModelError(RegganError):
    """A model file that cannot be used."""

    default_kind = "model"


class ModelCardError(ModelError):
    """A model whose card is absent, incomplete or asks for what this version cannot do."""

    default_kind = "model-card"


class ModelHashError(ModelError):
    """A model whose weights are not the ones that its card was written for."""

    default_kind = "model-hash"


class EngineError(ModelError):
    """A built engine that is damaged, or was built from or for something else."""

    default_kind = "engine"


class SignatureError(ModelError):
    """A file that was not signed by whom it should be."""

    default_kind = "signature"


class ModelParityError(ModelError):
    """A model that says something else than what it was made from."""

    default_kind = "model-parity"


class DeviceMemoryError(ModelError):
    """A model run that did not fit into the memory of its device; a smaller batch may."""

    default_kind = "device-memory"


class DeviceUnavailableError(RegganError):
    """The device that was asked for cannot run models here.

    Attributes:
        found: what is wrong.
        remedy: what to do about the machine, whatever the front end; may be part of `found`.
    """

    default_kind = "device-unavailable"

    def __init__(
        self, found: str, remedy: str = "", /, *, kind: str | None = None, **fields: object
    ) -> None:
        super().__init__(f"{found} {remedy}".rstrip(), kind=kind, **fields)
        self.found = found
        self.remedy = remedy


class MissingExtraError(RegganError):
    """A command whose optional packages are not installed."""

    default_kind = "missing-extra"


def document_from_said(message: str | None) -> dict[str, Any]:
    """Return a message with its kind and fields, which are null unless it is an error or a
    notice.
    """
    if not isinstance(message, Remark):
        return {"message": message, "kind": None, "fields": None}
    fields = {
        name: document_from_said(value) if isinstance(value, Remark) else value
        for name, value in message.fields.items()
    }
    return {"message": str(message), "kind": message.kind, "fields": fields}


def expect_types(**given: tuple[object, type]) -> None:
    """Refuse arguments of other types than these, by their names.

    Raises:
        UsageError: one is.
    """
    for name, (value, expected) in given.items():
        if not isinstance(value, expected):
            raise UsageError(
                f"{name} is {value!r:.80}, of type {type(value).__name__}; expected "
                f"{expected.__name__}."
            )


def counted(number: int, noun: str) -> str:
    """`1 frame`, `2 frames`; nouns that take an s."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


FRAME_FAULTS = (RegganError, OSError, MemoryError)
"""What one frame may fail with; other exceptions are bugs."""
