"""Sets in one small zip: the renderer's layout, with pictures encoded anew so that it fits."""

import io
import json
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from jaxtyping import UInt8
from PIL import Image

from reggan_plugin.drawing.contact_sheet import encoded_picture
from reggan_plugin.errors import OutputError
from reggan_plugin.faces.landmarks_and_pose import LANDMARK_NAMES
from reggan_plugin.frozen import frozen
from reggan_plugin.vocabulary.expression import EXPRESSION_NAMES
from reggan_training.data.identity_and_split import Identity
from reggan_training.data.set_files import (
    IDENTITY_FILE,
    MANIFEST_FILE,
    SCHEMA,
    Entry,
    read_image,
    read_json,
)

MIB = 1 << 20
_BEST_QUALITY, _LEAST_QUALITY, _FINE_QUALITY = 95, 75, 90
"""JPEG qualities; below the fine one colour is kept at half resolution, as eyes see it."""
_SIDES_PX = (256, 224, 192, 160, 128)
"""Sizes to go down to before the quality would fall below the least; larger is kept if it fits."""
_SAMPLED = 24
"""Identities by whose size that of all is foretold."""
_EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest date that a zip can hold


@frozen
class PackEncoding:
    """Encoding of pictures: largest side and quality."""

    side_px: int
    quality: int


def pack(entries: Sequence[Entry], limit_bytes: int, largest_px: int) -> tuple[bytes, PackEncoding]:
    """Return the zip, and how its pictures are encoded: as large, then as well, as fits.

    Names, and with them splits, stay; so do all records of how a picture was made.

    Args:
        entries: to be packed.
        limit_bytes: the largest size of the file.
        largest_px: side to which larger pictures are reduced.

    Raises:
        OutputError: not even the smallest pictures fit.
        SourceError: a picture is missing or damaged.
    """
    sample = entries[:: max(1, len(entries) // _SAMPLED)]
    sides = [largest_px, *(side for side in _SIDES_PX if side < largest_px)]
    foretold = 0
    for side in sides:
        quality = _LEAST_QUALITY
        foretold = _foretell(entries, sample, PackEncoding(side_px=side, quality=quality))
        if foretold > limit_bytes:
            continue
        low, high = quality, _BEST_QUALITY
        while low < high:  # the highest quality that is foretold to fit
            middle = (low + high + 1) // 2
            trial = PackEncoding(side_px=side, quality=middle)
            if _foretell(entries, sample, trial) <= limit_bytes:
                low = middle
            else:
                high = middle - 1
        for quality in range(low, _LEAST_QUALITY - 1, -1):
            encoding = PackEncoding(side_px=side, quality=quality)
            content = _write(entries, encoding)
            if len(content) <= limit_bytes:
                return content, encoding
    raise OutputError(
        f"{len(entries)} identities take about {foretold / MIB:.1f} MiB at {sides[-1]} px and JPEG "
        f"quality {_LEAST_QUALITY}; the limit is {limit_bytes / MIB:g} MiB. Raise "
        "it, or pack fewer.",
        kind="packed-set-too-large",
    )


def _foretell(entries: Sequence[Entry], sample: Sequence[Entry], encoding: PackEncoding) -> int:
    """Foretell the size of the file, in bytes, by that of a sample of it."""
    return round(len(_write(sample, encoding)) * len(entries) / len(sample))


def _write(entries: Sequence[Entry], encoding: PackEncoding) -> bytes:
    """Write a zip of these identities, the same bytes on every call."""
    target = io.BytesIO()
    names = []
    with zipfile.ZipFile(target, "w") as packed:
        for entry in entries:
            files = dict(_files_of(entry, encoding))
            if files:
                names.append(entry.name)
            for name, content in files.items():
                _add(packed, f"{entry.name}/{name}", content)
        manifest = {
            "schema": SCHEMA,
            "settings": {
                "packed": {"side_px": encoding.side_px, "jpeg_quality": encoding.quality},
                "sources": sorted({entry.place.name for entry in entries}),
            },
            "identities": names,
        }
        _add(packed, MANIFEST_FILE, _json(manifest))
    return target.getvalue()


def _add(packed: zipfile.ZipFile, name: str, content: bytes) -> None:
    info = zipfile.ZipInfo(name, _EPOCH)
    is_text = name.endswith(".json")
    info.compress_type = zipfile.ZIP_DEFLATED if is_text else zipfile.ZIP_STORED
    packed.writestr(info, content)


def _files_of(entry: Entry, encoding: PackEncoding) -> Iterator[tuple[str, bytes]]:
    """Names and contents of an identity's files; none if it cannot be used."""
    if entry.files is not None:
        yield from _files_of_rendered(entry, encoding)
        return
    identity = entry.load()
    if identity is None:
        return
    images = []
    for view, image in enumerate(identity.images):
        content, factor = _encoded(image, encoding)
        record = _record_of_view(identity, view)
        yield record["file"], content
        images.append(_scaled(record, factor))
    record = {"schema": SCHEMA, "name": entry.name, "style": entry.style, "images": images}
    yield IDENTITY_FILE, _json(record)


def _files_of_rendered(entry: Entry, encoding: PackEncoding) -> Iterator[tuple[str, bytes]]:
    assert entry.files is not None
    record = read_json(entry.files, f"{entry.name}/{IDENTITY_FILE}")
    images = []
    for one in record["images"]:
        picture = dict(one)
        content, factor = _encoded(
            read_image(entry.files, f"{entry.name}/{picture['file']}"), encoding
        )
        yield picture["file"], content
        picture.pop("mask", None)  # of sets that were rendered before 0.3
        images.append(_scaled(picture, factor))
    yield IDENTITY_FILE, _json({**record, "images": images})


def _record_of_view(identity: Identity, view: int) -> dict[str, Any]:
    """Describe a view as the renderer would note it."""
    strongest = int(identity.states[view].argmax())
    intensity = float(identity.states[view].max()) if strongest else 1.0
    points = identity.landmarks[view]
    return {
        "file": f"{EXPRESSION_NAMES[strongest]}_{view:02d}.jpg",
        "expression": EXPRESSION_NAMES[strongest],
        "intensity": intensity,
        "landmarks": {
            name: point.tolist() for name, point in zip(LANDMARK_NAMES, points, strict=True)
        },
    }


def _scaled(record: Mapping[str, Any], factor: float) -> dict[str, Any]:
    """Scale the record of a picture that was reduced by a factor."""
    points = {
        name: [round(value * factor, 3) for value in point]
        for name, point in record["landmarks"].items()
    }
    return {**record, "landmarks": points}


def _encoded(
    image: UInt8[np.ndarray, "height width 3"], encoding: PackEncoding
) -> tuple[bytes, float]:
    """Encode a picture as JPEG, its shorter side at most `side_px`; return the reduction, too."""
    picture = Image.fromarray(image)
    factor = min(1.0, encoding.side_px / min(picture.size))
    if factor < 1.0:
        size = (round(picture.width * factor), round(picture.height * factor))
        picture = picture.resize(size, Image.Resampling.LANCZOS)
    colour = 0 if encoding.quality >= _FINE_QUALITY else 2
    settings = {"quality": encoding.quality, "subsampling": colour, "optimize": True}
    return encoded_picture(picture, "JPEG", **settings), factor


def _json(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()
