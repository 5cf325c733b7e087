"""Everything that reggan-plugin raises on purpose.

    RegganError                     exit 1
    ├── UsageError                  exit 2: the request itself cannot be meant
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
    │   └── OutputExistsError
    ├── FaceNotFoundError           exit 1
    ├── CropMismatchError           exit 1
    ├── ModelError                  exit 1: the model file cannot be honoured
    │   ├── ModelCardError
    │   ├── ModelHashError
    │   ├── ModelParityError
    │   ├── EngineError
    │   └── DeviceMemoryError       a run did not fit into the memory of its device
    ├── TrainingDivergedError       exit 1: a loss is no number any more
    ├── DeviceUnavailableError      exit 1
    └── MissingExtraError           exit 1: an optional package is not installed

Every message says what was found, what was expected and what to do.
"""


class RegganError(Exception):
    """Base of all errors that a user can act on."""

    exit_code = 1


class UsageError(RegganError):
    """The request contradicts itself or names something that does not exist."""

    exit_code = 2


class UnknownExpressionError(UsageError):
    """An expression name that is neither a name nor an alias."""


class UnknownModelError(UsageError):
    """A model name that is not among the installed ones and not a file."""


class SourceError(RegganError):
    """The frames asked for are not there as they should be."""


class EmptySourceError(SourceError):
    """A folder, pattern or range that holds no frame."""


class AmbiguousSourceError(SourceError):
    """A folder that holds more than one sequence."""


class MeshError(SourceError):
    """A mesh file that is broken, or that gives a texture no place."""


class TextureError(SourceError):
    """A map that is not a colour map, or not the one of the mesh."""


class UnreadableFrameError(SourceError):
    """A frame that is damaged or not an image."""


class UnsupportedFormatError(UnreadableFrameError):
    """An image that is sound, but of a kind that cannot be written back faithfully."""


class MissingChannelsError(UnreadableFrameError):
    """An EXR in which no layer holds red, green and blue."""


class StalledError(RegganError):
    """A disk or network folder that did not answer in time."""


class OutputError(RegganError):
    """The result cannot be written where it should go."""


class OutputExistsError(OutputError):
    """The output is there already, and neither --overwrite nor --resume was given."""


class FaceNotFoundError(RegganError):
    """No face where one was needed."""


class CropMismatchError(RegganError):
    """An edited face whose size is not the size of its crop."""


class ModelError(RegganError):
    """A model file that cannot be used."""


class ModelCardError(ModelError):
    """A model whose card is absent, incomplete or asks for what this version cannot do."""


class ModelHashError(ModelError):
    """A model whose weights are not the ones that its card was written for."""


class EngineError(ModelError):
    """A built engine that is damaged, or was built from or for something else."""


class ModelParityError(ModelError):
    """A model that says something else than what it was made from."""


class DeviceMemoryError(ModelError):
    """A model run that did not fit into the memory of its device; a smaller batch may."""


class TrainingDivergedError(RegganError):
    """A training run whose losses or gradients are not finite any more."""


class DeviceUnavailableError(RegganError):
    """The device that was asked for cannot run models here.

    Attributes:
        found: what is wrong.
        remedy: what to do about it; may be part of `found`.
    """

    def __init__(self, found: str, remedy: str = "") -> None:
        super().__init__(f"{found} {remedy}".rstrip())
        self.found = found
        self.remedy = remedy


class MissingExtraError(RegganError):
    """A command whose optional packages are not installed."""
