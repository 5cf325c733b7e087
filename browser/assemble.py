"""Put the page in the browser alone together: a folder for any static file server.

    python browser/assemble.py --out dist/page
    python -m http.server --directory dist/page

onnxruntime-web (MIT) is too large to keep here: npm fetches it, or --runtime names its archive.
The model is the default one, or --model, a rig (contract 3).
"""

import argparse
import base64
import hashlib
import importlib
import io
import json
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from reggan_plugin.errors import RegganError
from reggan_plugin.faces.locator import DEFAULT_FOLDER, DETECTOR_NAME, LANDMARKS_NAME
from reggan_plugin.models.model_card import (
    RIG_CONTRACT,
    ModelCard,
    card_from_metadata,
    check_seal,
    find_model,
)
from reggan_plugin.models.onnx_messages import metadata_from_onnx
from reggan_plugin.ui.expression_list import listed_expressions, listed_shapes
from reggan_plugin.vocabulary.expression import MAX_INTENSITY, NAMED_EXPRESSIONS, ExpressionMix
from reggan_plugin.vocabulary.face_shapes import NEUTRAL

HERE = Path(__file__).parent
PACKAGE = HERE.parent / "reggan_plugin"
RIG = ("template.npz", "mouth.npz")
SHARED = (
    "skin_motion",
    "drawn_edges",
    "eyes",
    "spectacles_and_hair",
    "mouth_drawing",
    "mouth_light",
    "mouth_opening",
)
"""Modules of the rig whose constants the engine imports from `constants.js`."""
SAMPLES = ("avatar_png", "statue", "toon")
VERSION = "1.30.0"
SHA512 = "q0y+JrrtukXSzsBWEMccVfqX25LRmosXHF+CaRJmg8pZClzcV7svNc4rKY3jL02Vb7QmRMDs1SigqR4CXAfKYQ=="
RUNTIME = (
    *("ort.wasm.min.mjs", "ort-wasm-simd-threaded.mjs", "ort-wasm-simd-threaded.wasm"),
    *("ort.jspi.min.mjs", "ort-wasm-simd-threaded.jspi.mjs", "ort-wasm-simd-threaded.jspi.wasm"),
)
"""For the processor, and for WebGPU; a browser loads one of the two."""


def main() -> int:
    """Write the folder; 0 if it is whole."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--out", type=Path, required=True, metavar="DIR")
    parser.add_argument("--model", metavar="NAME|FILE.onnx")
    parser.add_argument("--runtime", type=Path, metavar="FILE.tgz")
    options = parser.parse_args()
    try:
        assemble(options.out, options.model, runtime_archive(options.runtime))
    except (RegganError, OSError) as error:
        print(f"Error: {error}", file=sys.stderr)
        return 1
    print(options.out)
    return 0


def assemble(out: Path, model: str | None, archive: bytes) -> None:
    """Write page, engine, runtime, model and samples into a folder."""
    path = find_model(model)
    check_seal(path)
    card = card_from_metadata(metadata_from_onnx(path), str(path))
    if card.contract != RIG_CONTRACT:
        raise RegganError(f"{path} is of contract {card.contract}; the page runs {RIG_CONTRACT}.")
    engine = out / "alone"
    (engine / "ort").mkdir(parents=True, exist_ok=True)
    for file in (PACKAGE / "ui" / "page").iterdir():
        shutil.copy(file, out)
    for file in HERE.glob("*.js"):
        shutil.copy(file, engine)
    for name in RIG:  # not packed in the package, so that it starts sooner
        with np.load(PACKAGE / "rig" / name) as arrays:
            np.savez_compressed(engine / name, allow_pickle=False, **arrays)
    with tarfile.open(fileobj=io.BytesIO(archive)) as packed:
        for name in RUNTIME:
            member = packed.extractfile(f"package/dist/{name}")
            assert member is not None, "the archive's hash is known"
            (engine / "ort" / name).write_bytes(member.read())
    shutil.copy(path, engine / "model.onnx")
    for part in (DETECTOR_NAME, LANDMARKS_NAME):
        check_seal(DEFAULT_FOLDER / part)
        shutil.copy(DEFAULT_FOLDER / part, engine)
    (engine / "constants.js").write_text(constants(), encoding="utf-8")
    (engine / "model.json").write_text(json.dumps(model_document(card)), encoding="utf-8")
    files: dict[str, list[str]] = {}
    for sample in SAMPLES:
        (out / "samples" / sample).mkdir(parents=True, exist_ok=True)
        frames = sorted((PACKAGE / "samples" / sample).iterdir())
        files[sample] = [f"samples/{sample}/{frame.name}" for frame in frames]
        for frame in frames:
            shutil.copy(frame, out / "samples" / sample)
    (out / "state").write_text(json.dumps(page_document(card, files)), encoding="utf-8")


def page_document(card: ModelCard, files: dict[str, list[str]]) -> dict[str, Any]:
    """Return what a program that serves the page says of itself, and where the engine lies."""
    return {
        "alone": "./alone/page_without_server.js",
        "files": files,
        "model": {"name": card.name, "version": card.version, "device": "this browser"},
        "layers": False,
        "neutral": NEUTRAL in card.controls,
        "expressions": listed_expressions(card),
        "shapes": listed_shapes(card),
        "take": None,
        "samples": list(files),
        "shots": [],
    }


def constants() -> str:
    """Return a JavaScript module with the numbers of the rig, an object for each of its modules.

    So they are written once: a name here is Python's without its leading underscore.
    """
    lines = []
    for name in SHARED:
        module = importlib.import_module(f"reggan_plugin.rig.{name}")
        numbers = {
            key.lstrip("_"): value.tolist() if isinstance(value, np.ndarray) else value
            for key, value in vars(module).items()
            if key.isupper() and isinstance(value, (int, float, tuple, dict, np.ndarray))
        }
        lines.append(f"export const {name} = {json.dumps(numbers)};\n")
    return "".join(lines)


def model_document(card: ModelCard) -> dict[str, Any]:
    """Return the card, what each expression asks for, and the limit of each entry."""
    named: dict[str, list[float]] = {}
    for name in (*NAMED_EXPRESSIONS, *card.controls):
        try:
            named[name] = card.vector_of(ExpressionMix({name: 1.0}))
        except RegganError:
            continue  # this model has no such expression
    return {
        "card": json.loads(card.to_json()),
        "expressions": named,
        "limits": [1.0 if name == NEUTRAL else MAX_INTENSITY for name in card.controls],
    }


def runtime_archive(path: Path | None) -> bytes:
    """onnxruntime-web as npm packs it; None has npm fetch it.

    Raises:
        RegganError: npm does not give it, or it is another file than the one that is known.
    """
    with tempfile.TemporaryDirectory() as folder:
        if path is None:
            command = ["npm", "pack", f"onnxruntime-web@{VERSION}", "--pack-destination", folder]
            made = subprocess.run(
                [shutil.which("npm") or "npm", *command[1:]], capture_output=True, text=True
            )
            if made.returncode:
                raise RegganError(
                    f"npm does not give onnxruntime-web {VERSION}: {made.stderr[-300:].strip()} "
                    "Name its archive: --runtime FILE.tgz."
                )
            path = Path(folder, f"onnxruntime-web-{VERSION}.tgz")
        archive = path.read_bytes()
    digest = base64.b64encode(hashlib.sha512(archive).digest()).decode()
    if digest != SHA512:
        raise RegganError(
            f"{path} has the hash {digest[:16]}…, expected {SHA512[:16]}…. Take "
            f"version {VERSION} from the npm registry: npm pack onnxruntime-web@{VERSION}."
        )
    return archive


if __name__ == "__main__":
    sys.exit(main())
