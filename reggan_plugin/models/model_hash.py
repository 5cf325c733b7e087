"""The SHA-256 that seals a model file: written by export, checked before a file is opened.

It is the SHA-256 of all of the file's bytes with the 64 digits of the card's `weights_sha256` set
to 0, so that it can be checked without any ONNX library. It is a checksum, not a signature: it
finds damage, and whoever changes a file can seal it again. Who made a file is what
`models --verify` checks.
"""

import hashlib
import mmap
import os
import re
from pathlib import Path

from reggan_plugin.errors import ModelCardError, ModelError, ModelHashError
from reggan_plugin.models.model_card import UNSEALED, read_card

_SEAL = re.compile(rb'"weights_sha256": "([0-9a-f]{64})"')

CONTROL_FLOW_NEEDED: dict[str, frozenset[str]] = {"rig": frozenset({"If"})}
"""Architecture → the operators of control flow that it needs: a rig's file finds landmarks or
refines an answer, whichever it is asked for."""


WALKED = frozenset(
    {
        "79ad65632f0cf5679b6fe1ea5f7ee0d469d9cdb0e7d76351e4e9da6b1945e88c",  # reggan.onnx
        "7ed962c6c4cd44856071971ecde893e0673c93ffe72de8aeb1d75d8df0725abb",  # detector.onnx
        "0b10d2801703b7a1aff1fe68e67aa904836926544a2c565b7ec6a8cc5eda6549",  # landmarks.onnx
    }
)
"""Hashes of files that ship and that a test walks, so that a start need not."""


def check_seal(model: Path) -> str:
    """Compare a file with its card's hash; returns the hash. To be called before it is opened.

    Raises:
        ModelCardError: the file holds no hash.
        ModelHashError: its bytes are not the ones that were sealed.
        ModelError: it refers to other files, which the hash does not cover, or contains operators
            that can run without end.
    """
    content = _mapped(model)
    found = _seal_in(content)
    if found is None:
        raise ModelCardError(
            f"{model} has no card with a weights_sha256. Use a model exported by reggan-plugin."
        )
    expected, actual = found[1].decode(), _digest(content, found)
    if expected != actual:
        raise ModelHashError(
            f"{model} has the hash {actual[:16]}…, its card says {expected[:16]}…: the file is "
            "damaged or was changed. Install or export it again."
        )
    if actual in WALKED:
        return actual
    _refuse_unsafe(content, model)
    return actual


def seal(model: Path) -> str:
    """Write the hash of an unsealed file into its card; returns the hash.

    Raises:
        ModelCardError: the file holds no card to write into.
    """
    content = model.read_bytes()
    found = _seal_in(content)
    if found is None:
        raise ModelCardError(f"{model} has no card with a weights_sha256 to fill in.")
    digest = _digest(content, found)
    model.write_bytes(content[: found.start(1)] + digest.encode() + content[found.end(1) :])
    return digest


def _mapped(model: Path) -> bytes | mmap.mmap:
    """Return a file's bytes; reading a large one into memory takes as long as hashing it."""
    with model.open("rb") as file:
        is_empty = not file.seek(0, os.SEEK_END)  # which cannot be mapped
        return b"" if is_empty else mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)


def _seal_in(content: bytes | mmap.mmap) -> re.Match[bytes] | None:
    """Where the hash stands: metadata lies behind the weights, so the end is searched first."""
    start = content.rfind(b'"weights_sha256"')
    return _SEAL.match(content, start) if start >= 0 else None


def _refuse_unsafe(content: bytes | mmap.mmap, model: Path) -> None:
    from reggan_plugin.models.onnx_messages import metadata_from_onnx
    from reggan_plugin.models.unsafe_onnx import contents_of, refuse_references

    contents = contents_of(content, model)
    refuse_references(contents, model)
    found = contents.control_flow
    if not found:
        return
    architecture = read_card(metadata_from_onnx(model), str(model)).get("architecture")
    unneeded = found - CONTROL_FLOW_NEEDED.get(str(architecture), frozenset())
    if unneeded:
        raise ModelError(
            f"{model} contains {', '.join(sorted(unneeded))}, which can run without end and which "
            f"the architecture {architecture!r} is not known to need. Use a model exported by "
            "reggan-plugin."
        )


def _digest(content: bytes | mmap.mmap, found: re.Match[bytes]) -> str:
    """Hash of the file with zeros for its own hash, which was found there."""
    whole = memoryview(content)
    digest = hashlib.sha256(whole[: found.start(1)])
    digest.update(UNSEALED.encode())
    digest.update(whole[found.end(1) :])
    return digest.hexdigest()
