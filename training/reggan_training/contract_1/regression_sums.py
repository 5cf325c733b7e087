"""The sums of one part of the training pairs on disk, and how parts become one.

A part is a folder: `<expression>.safetensors` with the ridge sums of that expression,
`changes.safetensors` with the counts that masks are made of, and, written last, `part.json` with
everything that decides them. One expression's sums are in memory at a time.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import safetensors.numpy
import safetensors.torch

from reggan_plugin.atomic_write import TEMPORARY_SUFFIX, write_atomically
from reggan_plugin.errors import SourceError
from reggan_plugin.vocabulary.expression_mix import EXPRESSION_NAMES
from reggan_training.contract_1.change_masks import ChangeCounts
from reggan_training.contract_1.regression import RegressionSettings, RidgeSums

_SCHEMA = 1
RECORD_NAME = "part.json"
"""Written last: a folder that holds it is a finished part."""


@dataclass(frozen=True, kw_only=True)
class PartRecord:
    """The data that a part was summed over.

    Attributes:
        layer: the layer that the sums are for; its penalty may still be chosen.
        image_side_px: side of the crop that a model sees; the layer's or a multiple of it.
        shard: which part of how many, as `1/4`.
        data: names of the folders.
        identities: SHA-256 of the pictures of each identity, by name.
        pairs: summed for each expression, mirrored ones counted.
    """

    layer: RegressionSettings
    image_side_px: int
    shard: str = "1/1"
    data: tuple[str, ...] = ()
    identities: Mapping[str, str] = field(default_factory=dict)
    pairs: Mapping[str, int] = field(default_factory=dict)

    def write(self, folder: Path) -> None:
        """Finish a part: from now on it can be read."""
        document = {"schema": _SCHEMA, **asdict(self)}
        write_atomically(folder / RECORD_NAME, json.dumps(document, indent=1).encode())


def read_record(folder: Path) -> PartRecord:
    """The record of a finished part.

    Raises:
        SourceError: the folder holds none, or one of another version.
    """
    path = folder / RECORD_NAME
    if not path.is_file():
        raise SourceError(
            f"{folder} holds no {RECORD_NAME}; expected a part that was summed to its end. Let it "
            "finish, or run it again.",
            kind="part-to-sum",
        )
    try:
        document: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        if document.pop("schema") != _SCHEMA:
            raise ValueError("another schema")
        document["layer"] = RegressionSettings(**document["layer"])
        document["data"] = tuple(document["data"])
        return PartRecord(**document)
    except (ValueError, KeyError, TypeError) as error:
        raise SourceError(
            f"{path} is of another version ({error}); sum this part again.",
            kind="part-to-sum",
        ) from error


def check_that_parts_add(folders: Sequence[Path]) -> list[PartRecord]:
    """Read the records of parts whose sums may be added.

    Raises:
        SourceError: a part is unfinished, is for another layer, or shares identities with
            another one; the message names the two.
    """
    records = [read_record(folder) for folder in folders]
    owner: dict[str, Path] = {}
    for folder, record in zip(folders, records, strict=True):
        first = records[0]
        alike = record.layer.sums_like(first.layer)
        if not alike or record.image_side_px != first.image_side_px:
            raise SourceError(
                f"{folder} holds sums of {record.layer} at {record.image_side_px} px, {folders[0]} "
                f"of {first.layer} at {first.image_side_px} px; they do not add. Sum every part "
                "with the same options."
            )
        twice = next((name for name in record.identities if name in owner), None)
        if twice is not None:
            raise SourceError(
                f"{twice} is in {owner[twice]} and in {folder}; each identity counts once. Give "
                "every part once, and only data that no other part has.",
                kind="part-counts-twice",
            )
        owner |= dict.fromkeys(record.identities, folder)
    return records


def write_sums(folder: Path, expression: str, sums: RidgeSums) -> None:
    """Write `<expression>.safetensors`."""
    path = folder / f"{expression}.safetensors"
    temporary = path.with_suffix(TEMPORARY_SUFFIX)
    safetensors.torch.save_file({"gram": sums.gram, "moment": sums.moment}, temporary)
    temporary.replace(path)


def merged_sums(
    folders: Sequence[Path], expression: str, settings: RegressionSettings
) -> RidgeSums:
    """The sums of one expression over all parts."""
    total = RidgeSums(settings)
    for folder in folders:
        path = folder / f"{expression}.safetensors"
        with safetensors.safe_open(path, "pt") as file:
            total.gram += file.get_tensor("gram")
            total.moment += file.get_tensor("moment")
    return total


def write_counts(folder: Path, counts: ChangeCounts) -> None:
    """Write `changes.safetensors`."""
    content = safetensors.numpy.save({"changed": counts.changed, "faces": counts.faces})
    write_atomically(folder / "changes.safetensors", content)


def merged_counts(folders: Sequence[Path], image_side_px: int) -> ChangeCounts:
    """The counts over all parts."""
    total = ChangeCounts(len(EXPRESSION_NAMES), image_side_px)
    for folder in folders:
        content: dict[str, np.ndarray] = safetensors.numpy.load_file(folder / "changes.safetensors")
        part = ChangeCounts(len(EXPRESSION_NAMES), image_side_px)
        part.changed, part.faces = content["changed"], content["faces"]
        total.merge(part)
    return total
