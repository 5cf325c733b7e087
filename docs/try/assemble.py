"""Put the browser-only page together: a folder for any static file server.

    npm pack onnxruntime-web@1.30.0
    python docs/try/assemble.py --runtime onnxruntime-web-1.30.0.tgz --out dist/try
    python -m http.server --directory dist/try

onnxruntime-web (MIT) takes 14 MB: too much to keep here. The model is the default one, or --model,
a rig (contract 3).
"""

import argparse
import base64
import hashlib
import io
import json
import shutil
import sys
import tarfile
from pathlib import Path

from reggan_plugin.errors import RegganError
from reggan_plugin.faces.locator import DEFAULT_FOLDER, DETECTOR_NAME, LANDMARKS_NAME
from reggan_plugin.models.model_card import RIG_CONTRACT, ModelCard, card_from_metadata
from reggan_plugin.models.model_hash import check_seal
from reggan_plugin.models.onnx_messages import metadata_from_onnx
from reggan_plugin.models.shipped_models import find_model
from reggan_plugin.vocabulary.expression_mix import MAX_INTENSITY, NAMED_EXPRESSIONS, ExpressionMix
from reggan_plugin.vocabulary.face_shapes import NEUTRAL

HERE = Path(__file__).parent
PAGE = (
    "index.html",
    "try.css",
    "try.js",
    "model.js",
    "face.js",
    "rig.js",
    "eyes.js",
    "mouth.js",
    "front.js",
    "mesh.js",
    "npz.js",
    "planes.js",
    "crop.js",
    "locator.js",
    "spectacles.js",
    "backdrop.js",
)
RIG = ("template.npz", "mouth.npz")
VERSION = "1.30.0"
SHA512 = "q0y+JrrtukXSzsBWEMccVfqX25LRmosXHF+CaRJmg8pZClzcV7svNc4rKY3jL02Vb7QmRMDs1SigqR4CXAfKYQ=="
RUNTIME = (
    "ort.wasm.min.mjs",
    "ort-wasm-simd-threaded.mjs",
    "ort-wasm-simd-threaded.wasm",
)


def main() -> int:
    """Write the folder; 0 if it is whole."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--out", type=Path, required=True, metavar="DIR")
    parser.add_argument("--model", metavar="NAME|FILE.onnx")
    parser.add_argument("--runtime", type=Path, required=True, metavar="FILE.tgz")
    options = parser.parse_args()
    try:
        assemble(options.out, options.model, runtime_archive(options.runtime))
    except (RegganError, OSError) as error:
        print(f"Error: {error}", file=sys.stderr)
        return 1
    print(options.out)
    return 0


def assemble(out: Path, model: str | None, archive: bytes) -> None:
    """Write page, runtime and model into a folder."""
    (out / "ort").mkdir(parents=True, exist_ok=True)
    for name in PAGE:
        shutil.copy(HERE / name, out / name)
    for name in RIG:
        shutil.copy(HERE.parents[1] / "reggan_plugin" / "rig" / name, out / name)
    shutil.copy(HERE.parents[1] / "reggan_plugin" / "ui" / "page" / "icon.svg", out / "icon.svg")
    with tarfile.open(fileobj=io.BytesIO(archive)) as packed:
        for name in RUNTIME:
            member = packed.extractfile(f"package/dist/{name}")
            assert member is not None, "the archive's hash is known"
            (out / "ort" / name).write_bytes(member.read())
    path = find_model(model)
    check_seal(path)
    card = card_from_metadata(metadata_from_onnx(path), str(path))
    if card.contract != RIG_CONTRACT:
        raise RegganError(f"{path} is of contract {card.contract}; the page runs {RIG_CONTRACT}.")
    shutil.copy(path, out / "model.onnx")
    for part in (DETECTOR_NAME, LANDMARKS_NAME):
        check_seal(DEFAULT_FOLDER / part)
        shutil.copy(DEFAULT_FOLDER / part, out / part)
    (out / "model.json").write_text(json.dumps(model_document(card)), encoding="utf-8")


def model_document(card: ModelCard) -> dict[str, object]:
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


def runtime_archive(path: Path) -> bytes:
    """onnxruntime-web as npm packs it.

    Raises:
        RegganError: it is another file than the one that is known.
    """
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
