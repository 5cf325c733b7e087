"""The renderer's layout: `manifest.json` and a folder with `identity.json` for each identity.

A packed set has the same layout inside one zip.
"""

import math
from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np
from jaxtyping import Float

from reggan_plugin.errors import SourceError
from reggan_plugin.faces.landmarks import LANDMARK_NAMES
from reggan_plugin.vocabulary.expression_mix import EXPRESSION_NAMES
from reggan_training.data.identity import Identity, IdentityView, identity_from_views
from reggan_training.data.set_files import Entry, SetFiles, read_image, read_json
from reggan_training.data.split import style_of

MANIFEST, IDENTITY, SCHEMA = "manifest.json", "identity.json", 1
_DISTURBANCES = ("eye_closure", "mouth_open")
_LEAST_DISTURBANCE = 0.02


def list_rendered(files: SetFiles) -> list[Entry]:
    """List the finished identities of a rendered or packed set.

    Raises:
        SourceError: the manifest is of another version or lists no identities.
    """
    manifest = read_json(files, MANIFEST)
    if not isinstance(manifest, dict) or manifest.get("schema") != SCHEMA:
        raise SourceError(
            f"{files.place / MANIFEST}: schema is not {SCHEMA}. Render or pack the set again with "
            "this version.",
            kind="set-to-make-again",
        )
    names = manifest.get("identities")
    if not isinstance(names, list):
        raise SourceError(
            f"{files.place / MANIFEST} has no list `identities`. Render the set again; finished "
            "identities are kept."
        )
    return [
        Entry(
            name=name,
            style=style_of(name),
            place=files.place,
            load=partial(_load, files, name),
            files=files,
        )
        for name in sorted(names)
    ]


def _load(files: SetFiles, name: str) -> Identity:
    record_name = f"{name}/{IDENTITY}"
    record = read_json(files, record_name)
    try:
        images = record["images"]
        views = [_view(files, name, one) for one in images]
        neutral = next((one for one in images if one["expression"] == "neutral"), images[0])
        return identity_from_views(
            name,
            record.get("style", style_of(name)),
            views,
            yaw_deg=_number(neutral, "yaw_deg"),
            pitch_deg=_number(neutral, "pitch_deg"),
        )
    except (KeyError, IndexError, TypeError) as error:
        raise SourceError(
            f"{files.place / record_name} lacks {error}. Delete its folder, and render this "
            "identity again.",
            kind="set-to-make-again",
        ) from error
    except ValueError as error:
        raise SourceError(f"{files.place / record_name} does not fit together: {error}.") from error


def _view(files: SetFiles, name: str, record: Mapping[str, Any]) -> IdentityView:
    if record["expression"] not in EXPRESSION_NAMES:
        raise ValueError(f"{record['file']} shows {record['expression']!r}, which is no expression")
    return IdentityView(
        expression=EXPRESSION_NAMES.index(record["expression"]),
        intensity=float(record["intensity"]),
        is_plain=all(_number(record, key, 0.0) < _LEAST_DISTURBANCE for key in _DISTURBANCES),
        image=read_image(files, f"{name}/{record['file']}"),
        landmarks=landmarks_from_record(record["landmarks"]),
    )


def landmarks_from_record(record: Mapping[str, Any]) -> Float[np.ndarray, "6 2"]:
    """Points in the order of `LANDMARK_NAMES`; further points are left out.

    Raises:
        KeyError: a point is missing.
    """
    return np.array([record[name] for name in LANDMARK_NAMES], dtype=np.float64)


def _number(record: Mapping[str, Any], key: str, absent: float = math.nan) -> float:
    value = record.get(key)
    return absent if value is None else float(value)
