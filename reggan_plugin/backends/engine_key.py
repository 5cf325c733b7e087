"""The key of an engine: source and target. Engines do not travel: all of it must match."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from reggan_plugin.errors import UsageError

ENGINE_SUFFIX = ".plan"
PORTABLE_GPU = "Ampere or newer"
DEFAULT_BATCH = (1, 1, 16)
"""Tuned for one frame, which is how `render` asks."""
_MOST_BATCH = 64


@dataclass(frozen=True, kw_only=True)
class EngineOptions:
    """Options of building an engine.

    Attributes:
        batch: smallest, best and largest number of crops; kernels are chosen for the best one.
        sides_px: the same for heights and widths that a model leaves open; ours leave none, but
            for the face detector.
        portable: for every GPU from NVIDIA's Ampere generation on, at some cost in speed,
            instead of the one in this machine.
        optimization_level: TensorRT's own scale of build time against speed.
    """

    batch: tuple[int, int, int] = DEFAULT_BATCH
    sides_px: tuple[int, int, int] = (64, 512, 1024)
    portable: bool = False
    optimization_level: int = 3

    def __post_init__(self) -> None:
        smallest, best, largest = self.batch
        if not 1 <= smallest <= best <= largest <= _MOST_BATCH:
            raise UsageError(
                f"The batch {','.join(map(str, self.batch))} is not smallest,best,largest in "
                f"rising order from 1 to {_MOST_BATCH}; such as 1,4,16."
            )

    def shapes(self, shape: tuple[int, ...]) -> tuple[tuple[int, ...], ...]:
        """Smallest, best and largest shape of an input whose open axes are -1."""
        ranges = (self.batch, *[self.sides_px] * (len(shape) - 1))
        return tuple(
            tuple(ranges[axis][which] if size < 0 else size for axis, size in enumerate(shape))
            for which in range(3)
        )


@dataclass(frozen=True, kw_only=True)
class EngineKey:
    """Everything that makes two engines different.

    Attributes:
        model_sha256: of the whole .onnx file.
        tensorrt: its full version.
        system: operating system and processor, such as `linux-x86_64`.
        gpu: its name, or PORTABLE_GPU.
        compute_capability: such as `9.0`; empty for a portable engine.
        precision: as the model's card says; the file's own types decide.
        options: what was chosen.
    """

    model_sha256: str
    tensorrt: str
    system: str
    gpu: str
    compute_capability: str
    precision: str
    options: EngineOptions

    def document(self) -> dict[str, Any]:
        """The key as the side-car holds it: JSON, with lists for tuples."""
        document: dict[str, Any] = json.loads(json.dumps(asdict(self)))
        return document

    @property
    def digest(self) -> str:
        """16 hexadecimal digits that differ where anything does."""
        text = json.dumps(asdict(self), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def file_name(self, stem: str) -> str:
        """A name that says the main things and ends in the digest."""
        sm = (
            f"sm{self.compute_capability.replace('.', '')}"
            if self.compute_capability
            else "portable"
        )
        return f"{stem}-{self.precision}-{sm}-trt{self.tensorrt}-{self.digest}{ENGINE_SUFFIX}"


def key_differences(found: Mapping[str, Any], wanted: EngineKey) -> str:
    """Differences between a side-car's key and the one that is wanted; empty if nothing does."""
    document = wanted.document()
    return ", ".join(
        f"{field} is {found.get(field)!r} instead of {document[field]!r}"
        for field in document
        if found.get(field) != document[field]
    )


def serves(found: Mapping[str, Any], wanted: EngineKey) -> bool:
    """True if an engine with this key runs what is wanted, if perhaps less fast.

    It may be portable and built for other batches, as long as they include the best one.
    """
    document = wanted.document()
    fixed = ("model_sha256", "tensorrt", "system", "precision")
    try:
        smallest, _, largest = found["options"]["batch"]
        is_for_this_gpu = found["gpu"] in (wanted.gpu, PORTABLE_GPU)
        same = all(found[field] == document[field] for field in fixed)
        return same and is_for_this_gpu and smallest <= wanted.options.batch[1] <= largest
    except (KeyError, TypeError, ValueError):  # not a key of this version
        return False
