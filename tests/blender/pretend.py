"""A `reggan-plugin` that copies what it should change: run as `python -m reggan_plugin` in tests.

It notes its arguments in `asked.jsonl` beside it, and the lines of a curve that it is given.
"""

import itertools
import json
import re
import shutil
import struct
import sys
import zlib
from array import array
from pathlib import Path

COMMAND, *ARGUMENTS = sys.argv[1:]


def option(name: str) -> str | None:
    """What follows an option."""
    return ARGUMENTS[ARGUMENTS.index(name) + 1] if name in ARGUMENTS else None


def frames(source: Path) -> list[Path]:
    """A file, a folder's files, or those of a pattern."""
    if source.is_dir():
        return sorted(path for path in source.iterdir() if path.is_file())
    if source.is_file():
        return [source]
    head, tail = source.name.split("#", 1)[0], source.name.rsplit("#", 1)[-1]
    return sorted(source.parent.glob(f"{head}*{tail}"))


def render() -> dict[str, object]:
    sources = frames(Path(option("--frames") or ""))
    out = Path(option("--out") or sources[0].parent / "out")
    out.mkdir(parents=True, exist_ok=True)
    for source in sources:
        shutil.copy(source, out / source.name)
    return {"out": str(out), "written": [{"source": str(source)} for source in sources]}


def texture() -> dict[str, object]:
    pairs = itertools.pairwise(ARGUMENTS)
    names = [value for key, value in pairs if key == "--expression"]
    for name in names:
        out = (option("--out") or "").replace("{expression}", name.replace(" ", "_"))
        shutil.copy(option("--texture") or "", out)
    return {}


def sheet() -> dict[str, object]:
    shutil.copy(ARGUMENTS[0], option("--out") or "")
    boxes = {"sad": [0, 0, 96, 96], "happy": [96, 0, 96, 96], "angry": [0, 96, 96, 96]}
    if option("--presets"):
        boxes["my grin"] = [96, 96, 96, 96]
    cells = [{"expression": k, "intensity": 0.7, "box": box} for k, box in boxes.items()]
    return {"cells": cells}


def track() -> dict[str, object]:
    """A face of 50 pixels in the upper left corner of every frame."""
    face = {"box": [10, 10, 50, 50], "status": "found"}
    numbers = [re.findall(r"\d+", path.stem)[-1] for path in frames(Path(option("--frames") or ""))]
    document = {"frames": {str(int(number)): {"faces": [face]} for number in numbers}}
    Path(option("--out") or "").write_text(json.dumps(document))
    return {"out": option("--out")}


def curves() -> dict[str, object]:
    """The take as it is: tests give CSV files of our own."""
    shutil.copy(ARGUMENTS[0], option("--csv") or "")
    return {}


def perform() -> dict[str, object]:
    """A jaw that opens within a second."""
    Path(option("--out") or "").write_text("time,jawOpen,headYaw\n0,0,5\n0.5,0,5\n1,1,5\n")
    return {}


def read() -> dict[str, object]:
    """A face with an open mouth."""
    return {"v": 1, "reader": "pretended", "weights": {"jawOpen": 0.4, "mouthSmileLeft": 0.2}}


def png_of_grey(value: int) -> bytes:
    """4x2 texels."""
    rows = b"".join(b"\0" + bytes([value]) * 4 for _ in range(2))
    parts = [(b"IHDR", struct.pack(">2I5B", 4, 2, 8, 0, 0, 0, 0)), (b"IDAT", zlib.compress(rows))]
    chunks = [
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in (*parts, (b"IEND", b""))
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def live() -> None:
    """Answers each request with a picture of one grey, as bright as the jaw is open."""
    for line in sys.stdin:
        request = json.loads(line)
        with Path(__file__).with_name("asked.jsonl").open("a", encoding="utf-8") as file:
            file.write(line)
        value = request["change"]["weights"].get("jawOpen", 0.0)
        if value > 1.4:
            message = f"{request['frame']} shows no face: {request['out']}."
            print(json.dumps({"id": request["id"], "message": message, "kind": "x"}), flush=True)
            continue
        said: dict[str, object] = {"id": request["id"], "width": 4, "height": 2, "seconds": 0.0}
        out = Path(request["out"])
        if "<UDIM>" in request.get("texture", ""):
            said["tiles"] = "live.<UDIM>.png"
            for tile in Path(request["texture"]).parent.glob("*.1???.png"):
                grey = round(255 * value) if tile.stem.endswith("1002") else 9
                out.with_name(f"live.{tile.stem[-4:]}.png").write_bytes(png_of_grey(grey))
        else:
            said["file"] = f"live.{request['id']}.raw"
            out.with_name(str(said["file"])).write_bytes(
                array("f", [value, value, value, 1.0] * 8).tobytes()
            )
        print(json.dumps(said), flush=True)
    sys.exit()


if COMMAND == "live":
    live()
if "--dry-run" in ARGUMENTS:
    sys.exit()
curve = option("--intensity-curve")
asked = {
    "command": COMMAND,
    "arguments": ARGUMENTS,
    "curve": Path(curve).read_text().splitlines() if curve else None,
}
with Path(__file__).with_name("asked.jsonl").open("a", encoding="utf-8") as file:
    file.write(json.dumps(asked) + "\n")
done = {
    **{"render": render, "texture": texture, "sheet": sheet, "track": track},
    **{"curves": curves, "perform": perform, "read": read},
}
print(json.dumps(done[COMMAND]() if COMMAND in done else {}))
