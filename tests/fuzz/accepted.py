"""Files made to do harm that are sound all the same, so that readers take them.

Each is sound but for one thing, which its format allows: names that other programs would run, sizes
and numbers at the edge, structures a thousand deep, text without end.
"""

import io
import json
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import OpenEXR
import tifffile
from PIL import Image, PngImagePlugin

from .damage import Seeded
from .meshes import glb_of, glb_parts, sound_meshes

WORDS = (
    *(
        "[python {exit}]",
        "../../../etc/passwd",
        "\x1b[2J",
        "\u202egnp.exe",
        "a\nb",
        "'; --",
        "%n%s",
    ),
    *("$(id)", "<script>alert(1)</script>", "", "CON", "x" * 5000, "\U0001f600", "=1+1", "{{7*7}}"),
)
_SIDES = (1, 2, 3, 5, 17, 64, 255, 1024)
_NUMBERS = (0.0, -0.0, -1.0, 1e-30, 1e-6, 0.5, 1.0, 1.5, 1e4)


def accepted(folder: Path, choices: Seeded, kind: str | None = None) -> Path:
    """A hostile and sound file, of a kind of `KINDS` or any, in a way that the choices say."""
    name = kind or choices.one_of(list(KINDS))
    path = folder / name
    content = KINDS[name](folder, choices)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def _glb(folder: Path, choices: Seeded, name: str = "head.glb") -> bytes:
    document, binary = glb_parts(sound_meshes(folder)[name])
    word, nodes = choices.one_of((*WORDS, "\ud800")), document["nodes"]
    first, count = len(nodes), choices.whole(1, 3000)
    size = [choices.one_of(_NUMBERS[3:]) * choices.one_of((1, -1)) for _ in range(3)]
    deep: Any = word
    for _ in range(choices.whole(1, 60)):
        deep = choices.one_of(({word: deep}, [deep]))
    base = document["materials"][0]["pbrMetallicRoughness"]
    match choices.whole(0, 9):
        case 0:
            for key in ("nodes", "materials", "images", "meshes"):
                document[key][0]["name"] = word
        case 1:
            document["asset"] |= {"generator": word, "copyright": word, "extras": deep}
        case 2:
            nodes += [*({"children": [first + 1 + i]} for i in range(count)), {"mesh": 0}]
            document["scenes"][0]["nodes"] = [first]
        case 3:
            nodes += [{"mesh": 0, "name": word, "translation": size}] * count
            document["scenes"][0]["nodes"] = [2, *range(first, first + min(count, 300))]
        case 4:
            nodes[1] |= {"scale": size, "rotation": [choices.one_of(_NUMBERS) for _ in range(4)]}
        case 5:
            document["meshes"][0]["weights"] = size[:1]
            document["meshes"][0]["extras"] = {"targetNames": [word]}
        case 6:
            transform = {"offset": size[:2], "scale": size[1:], "rotation": size[0]}
            base["baseColorTexture"]["extensions"] = {"KHR_texture_transform": transform}
        case 7:
            document["extensionsUsed"] = [word] * count
            document["extensions"] = {**document.get("extensions", {}), f"X{word}": deep}
        case 8:
            base["baseColorFactor"] = [choices.one_of(_NUMBERS) for _ in range(4)]
            document["materials"][1] |= {"alphaMode": word, "alphaCutoff": size[0]}
        case _:
            document["extras"] = [deep] * count
    return glb_of(document, binary)


def _obj(folder: Path, choices: Seeded) -> str:
    sound_meshes(folder)
    word, count = choices.one_of(WORDS).replace("\n", " "), choices.whole(3, 3000)
    ring = [(np.cos(6.28 * i / count), np.sin(6.28 * i / count), i % 2) for i in range(count)]
    text = "".join(f"v {x:.9g} {y:.9g} {z}\nvt {x:.3f} {y:.3f}\n" for x, y, z in ring)
    corners = " ".join(f"{i + 1}/{i + 1}" for i in range(count))
    end = choices.one_of(("\n", "\r\n", " \\\n\n"))
    more = choices.one_of(
        (
            f"o {word}\ng {word}\nusemtl {word}\n",
            f"# {word * 50}\n",
            "".join(f"g {word} {i}\nf 1 2 3\n" for i in range(count // 10)),
            "f -1 -2 -3\nf 1//1 2//1 3//1\nvn 0 0 1\n",
            "vp 0 0\ncstype bezier\nl 1 2\np 1\ns off\nlod 9\n",
        )
    )
    return f"mtllib looks.mtl\n{text}usemtl Skin\nf {corners}{end}{more}"


def _usda(folder: Path, choices: Seeded) -> str:
    word = json.dumps(choices.one_of(WORDS), ensure_ascii=False)
    depth, count = choices.whole(1, 300), choices.whole(3, 3000)
    points = ", ".join(f"({i % 7}, {i % 11}, {i % 13})" for i in range(count))
    more = choices.one_of(
        (
            f"custom string own = {word}",
            'uniform token orientation = "leftHanded"',
            "double3 xformOp:scale = (-1e4, 1e-6, 1)\n"
            'uniform token[] xformOpOrder = ["xformOp:scale"]',
            "int[] holeIndices = [0]",
            "rel proxyPrim = </R>",
            f"point3f[] points.timeSamples = {{ 0: [{points}], 1: [{points}] }}",
            'uniform token visibility = "invisible"',
        )
    )
    mesh = (
        f"def Mesh {chr(34)}M{chr(34)} (doc = {word}) {{\nint[] faceVertexCounts = [{count}]\n"
        f"int[] faceVertexIndices = {list(range(count))}\npoint3f[] points = [{points}]\n{more}\n}}"
    )
    way = choices.whole(0, 2)
    if way == 0:
        for level in range(depth):
            mesh = f'def Xform "x{level}" {{\n{mesh}\n}}'
    elif way == 1:
        mesh += "".join(
            f'\ndef "c{i}" (\ninstanceable = true\nreferences = </M>\n) {{}}' for i in range(depth)
        )
    return f'#usda 1.0\n(\ndoc = {word}\ndefaultPrim = "M"\n)\n{mesh}\ndef Xform "R" {{}}\n'


def _take(folder: Path, choices: Seeded) -> str:
    names = [
        "jawOpen",
        *("c" * choices.whole(1, 200) + str(i) for i in range(choices.whole(0, 99))),
    ]
    end, begin = choices.one_of(("\n", "\r\n")), choices.one_of(("", "\ufeff"))
    rows = [
        ",".join([str(i / 30), *(str(choices.one_of((0, 0.5, 1, 1e-300))) for _ in names)])
        for i in range(choices.whole(1, 300))
    ]
    return begin + end.join([",".join(["time", *names]), *rows]) + end


def _presets(folder: Path, choices: Seeded) -> str:
    word = choices.one_of(("CON", "\U0001f600", "x" * 150, "A-1", "e\u0301", "1e5", "true"))
    names = [f"{word} {i}" for i in range(choices.whole(1, 900))]
    return "".join(f"[{json.dumps(name, ensure_ascii=False)}]\njawOpen = 0.5\n" for name in names)


def _curve(folder: Path, choices: Seeded) -> str:
    first, step = choices.whole(-9999, 9999), choices.whole(1, 100)
    values = (choices.one_of((0, 0.25, 1, 1e-300)) for _ in range(choices.whole(1, 20_000)))
    return "".join(f"{first + i * step},happy,{value}\n" for i, value in enumerate(values))


def _levels(choices: Seeded) -> Any:
    sides = choices.one_of(_SIDES), choices.one_of(_SIDES), 3
    return np.random.default_rng(choices.whole(0, 999)).integers(0, 255, sides, np.uint8)


def _saved(kind: str) -> Callable[[Path, Seeded], bytes]:
    """A picture by Pillow with what its format allows beside pixels."""

    def content(folder: Path, choices: Seeded) -> bytes:
        word, stream = choices.one_of(WORDS), io.BytesIO()
        text = PngImagePlugin.PngInfo()
        text.add_text("Comment", word * choices.whole(1, 200), zip=choices.whole(0, 1) == 1)
        text.add_itxt("Title", word)
        blob = choices.some_bytes(5000)
        options: dict[str, dict[str, Any]] = {
            "PNG": {"pnginfo": text, "compress_level": choices.whole(0, 9), "dpi": (1, 99_999)},
            "JPEG": {
                "comment": word.encode(),
                "progressive": True,
                "quality": choices.whole(1, 95),
            },
            "WEBP": {"lossless": True, "exif": blob, "xmp": blob},
            "BMP": {},
            "TGA": {"rle": True, "id_section": word.encode()[:255]},
        }
        more = {"icc_profile": blob} if kind != "TGA" and choices.whole(0, 3) == 0 else {}
        Image.fromarray(_levels(choices)).save(stream, kind, **options[kind], **more)
        found = stream.getvalue()
        if kind == "JPEG":  # a piece of an application that nobody knows
            found = found[:2] + struct.pack(">HH", 0xFFE5, 2 + len(blob)) + blob + found[2:]
        return found

    return content


def _tiff(folder: Path, choices: Seeded) -> bytes:
    stream, word = io.BytesIO(), choices.one_of(WORDS).encode("ascii", "replace").decode()
    samples = choices.one_of((_levels(choices), _levels(choices).astype(np.float32) * 1e30))
    tags = [(60_000 + i, 1, len(word) + 1, word.encode() + b"\0", True) for i in range(50)]
    tifffile.imwrite(
        *(stream, samples),
        photometric="rgb",
        description=word,
        software=word,
        compression=choices.one_of((None, "zlib", "lzw", "zstd")),
        rowsperstrip=choices.whole(1, 9),
        byteorder=choices.one_of(("<", ">")),
        extratags=tags[: choices.whole(0, 50)],
    )
    return stream.getvalue()


def _exr(folder: Path, choices: Seeded) -> bytes:
    levels = _levels(choices)[..., 0].astype(np.float32)
    levels[choices.whole(0, len(levels) - 1)] = choices.one_of(
        (np.nan, np.inf, -np.inf, 3e38, -3e38, 1e-42, 65_504.0, -1.0)
    )
    word = choices.one_of(WORDS)
    header: dict[str, Any] = {
        "compression": choices.one_of((OpenEXR.NO_COMPRESSION, OpenEXR.ZIP_COMPRESSION)),
        "type": OpenEXR.scanlineimage,
        choices.one_of(("owner", "comments", "own attribute")): word,
    }
    names = [
        "R",
        "G",
        "B",
        *(f"L{i}.{choices.one_of('NZVA')}" for i in range(choices.whole(0, 30))),
    ]
    path = folder / "made.exr"
    OpenEXR.File(header, dict.fromkeys(names, levels)).write(str(path))
    return path.read_bytes()


KINDS: dict[str, Callable[[Path, Seeded], bytes | str]] = {
    "a.glb": _glb,
    "a.vrm": lambda folder, choices: _glb(folder, choices, "head.vrm"),
    "a.obj": _obj,
    "a.usda": _usda,
    "take.csv": _take,
    "a.toml": _presets,
    "curve.csv": _curve,
    "a.png": _saved("PNG"),
    "a.jpg": _saved("JPEG"),
    "a.webp": _saved("WEBP"),
    "a.bmp": _saved("BMP"),
    "a.tga": _saved("TGA"),
    "a.tif": _tiff,
    "a.exr": _exr,
}
