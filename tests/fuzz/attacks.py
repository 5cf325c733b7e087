"""Files made to do harm: to read what is not theirs, or to take a machine's time and memory.

Each is written into an empty folder, beside `secret.usda` and other files that a stranger would
like to have; `use` does with it what the commands do.
"""

import io
import itertools
import json
import random
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from reggan_plugin.array_types import Float, Int
from reggan_plugin.curves.read_take import read_take
from reggan_plugin.files.image_format import VIDEO_SUFFIXES
from reggan_plugin.files.mesh_suffixes import MESH_SUFFIXES
from reggan_plugin.files.video import VideoFile
from reggan_plugin.jobs.intensity_curve import read_curve
from reggan_plugin.models.model_card import installed_models
from reggan_plugin.vocabulary.expression import read_presets

from .meshes import glb_of, glb_parts, sound_meshes, use_mesh
from .pictures import use_picture

SECRET = '#usda 1.0\n(defaultPrim = "S")\ndef Mesh "S" {\n%s}\n'
TRIANGLE = """    int[] faceVertexCounts = [3]
    int[] faceVertexIndices = [0, 1, 2]
    point3f[] points = [(0, 0, 0), (1, 0, 0), (0, 1, 0)]
"""
OUTSIDE = "outside"
"""Folder of what must not be read, beside that of an attack."""


def use(path: Path) -> None:
    """Read a file as its name says.

    Raises:
        RegganError: it is refused by name; whatever else is raised is a find.
    """
    name = path.name
    if name.startswith("take"):
        read_take(path)
    elif path.suffix in MESH_SUFFIXES:
        use_mesh(path)
    elif path.suffix == ".toml":
        read_presets(path)
    elif name.startswith("curve"):
        read_curve(path)
    elif path.suffix in VIDEO_SUFFIXES:
        video = VideoFile(path)
        for number in range(1, len(video) + 1):
            video.content(f"{number:08}.png")
    else:
        use_picture(path)


def usda(prim: str, *, head: str = "") -> bytes:
    """A layer whose default prim goes on so."""
    return f'#usda 1.0\n(\n    defaultPrim = "R"\n{head})\ndef Xform "R" {prim}\n'.encode()


def instances(count: int, last: str) -> str:
    """A USD whose prims name each other twice: half a minute, in 3 kB, to whoever composes it."""
    prims = "".join(
        f'def "n{i}" (\n references = </n{i + 1}>\n)\n{{\n'
        f' def "c" (\n references = </n{i + 1}>\n)\n{{\n}}\n}}\n'
        for i in range(count)
    )
    mesh = f'def Mesh "n{count}" (\n references = {last}\n)\n{{\n{TRIANGLE}}}\n'
    return f"#usda 1.0\n{prims}{mesh}"


def mesh_of(**fields: str) -> bytes:
    """A triangle in USD with other fields."""
    lines = {
        "int[] faceVertexCounts": "[3]",
        "int[] faceVertexIndices": "[0, 1, 2]",
        "point3f[] points": "[(0, 0, 0), (1, 0, 0), (0, 1, 0)]",
    }
    names = {"counts": "int[] faceVertexCounts", "corners": "int[] faceVertexIndices"}
    names |= {"points": "point3f[] points", "uv": "texCoord2f[] primvars:st"}
    lines |= {names[key]: value for key, value in fields.items()}
    body = "".join(f"    {key} = {value}\n" for key, value in lines.items())
    return f'#usda 1.0\ndef Mesh "M" {{\n{body}}}\n'.encode()


def package(path: Path, **layers: bytes) -> Path:
    """A USDZ of these layers, the first one on top."""
    from pxr import Sdf

    with Sdf.ZipFileWriter.CreateNew(str(path)) as writer:
        for name, content in layers.items():
            inner = path.with_name(f"{name}.packed")
            inner.write_bytes(content)
            writer.AddFile(str(inner), f"{name}.usda")
            inner.unlink()
    return path


def reaching_out(folder: Path, way: str) -> Path:
    """A USD file that reads `outside/secret.usda` in one of the ways of `REACHES`."""
    outside = folder.parent / OUTSIDE
    outside.mkdir(exist_ok=True)
    (outside / "secret.usda").write_text(SECRET % TRIANGLE)
    absolute = f"@{outside / 'secret.usda'}@"
    evil = {
        "reference": usda(f"(references = {absolute}) {{}}"),
        "payload": usda(f"(payload = {absolute}) {{}}"),
        "sublayer": usda("{}", head=f"    subLayers = [{absolute}]\n"),
        "relative": usda(f"(references = @../{OUTSIDE}/secret.usda@) {{}}"),
        "variant": usda(
            '(variantSets = "v"\n variants = {string v = "a"}) {\n variantSet "v" = {\n'
            f' "a" (references = {absolute}) {{}} }}\n}}'
        ),
        "expression": usda(
            '(references = @`"${X}/secret.usda"`@) {}',
            head=f'    expressionVariables = {{string X = "{outside}"}}\n',
        ),
        "clips": usda(
            "(clips = {dictionary default = {asset[] assetPaths = [" + absolute + "]\n"
            ' string primPath = "/S"\n double2[] active = [(0, 0)]}}) {}'
        ),
    }
    depth, _, kind = way.partition(" ")
    clean = usda("(references = @./middle.usda@) {}")
    if depth == "plain":
        (folder / "a.usda").write_bytes(evil[kind])
        return folder / "a.usda"
    if depth == "behind":
        (folder / "a.usda").write_bytes(clean)
        (folder / "middle.usda").write_bytes(evil[kind])
        return folder / "a.usda"
    packed = package(folder / "a.usdz", root=clean, middle=evil[kind])
    (folder / "middle.usda").write_bytes(usda("{}"))  # a decoy beside the package
    if depth == "packed":
        return packed
    (folder / "b.usda").write_bytes(usda("(references = @./a.usdz@) {}"))
    return folder / "b.usda"


REACHES = [
    f"{depth} {kind}"
    for depth in ("plain", "behind", "packed", "beside-package")
    for kind in (
        *("reference", "payload", "sublayer", "relative", "variant", "expression", "clips"),
    )
]

BAD_USD: dict[str, bytes] = {
    "corner-beyond": mesh_of(corners="[0, 1, 7]"),
    "corner-below": mesh_of(corners="[0, 1, -1]"),
    "corners-too-few": mesh_of(counts="[3, 3]"),
    "counts-below": mesh_of(counts="[-3]"),
    "two-billion-corners": mesh_of(counts="[2000000000]"),
    "uv-too-few": mesh_of(uv='[(0, 0)] (interpolation = "vertex")'),
    "uv-of-corners-too-few": mesh_of(uv='[(0, 0)] (interpolation = "faceVarying")'),
    "uv-index-beyond": mesh_of(
        uv='[(0, 0)] (interpolation = "vertex")\n    int[] primvars:st:indices = [0, 5, 9]'
    ),
    "points-that-are-none": mesh_of(points="[(nan, 0, 0), (1e38, 0, 0), (0, inf, 0)]"),
    "no-usd": b"PK\3\4 nothing",
}
"""By what is wrong."""


def jpeg_of_scans(scans: int, side_px: int = 64) -> bytes:
    """A progressive picture whose last scan comes again and again."""
    stream = io.BytesIO()
    levels = np.random.default_rng(1).integers(0, 255, (side_px, side_px), np.uint8)
    Image.fromarray(levels).save(stream, "JPEG", progressive=True)
    content = stream.getvalue()
    last = content.rindex(b"\xff\xda")
    return content[:-2] + content[last:-2] * scans + b"\xff\xd9"


def bmp(width: int, height: int, kept: int | None = None) -> bytes:
    """A grey picture of 8 bits, or the beginning of its pixels."""
    palette = b"".join(bytes((i, i, i, 0)) for i in range(256))
    size, start = width * height, 54 + len(palette)
    head = struct.pack("<2sIHHI", b"BM", start + size, 0, 0, start)
    info = struct.pack("<IiiHHIIiiII", 40, width, height, 1, 8, 0, size, 2835, 2835, 256, 0)
    return head + info + palette + bytes(size if kept is None else kept)


def tga(width: int, height: int, kept: int | None = None) -> bytes:
    """A grey picture, or the beginning of its pixels."""
    head = struct.pack("<BBBHHBHHHHBB", 0, 0, 3, 0, 0, 0, 0, 0, width, height, 8, 0x20)
    return head + bytes(width * height if kept is None else kept)


def exr_of_channels(count: int, side_px: int = 8) -> bytes:
    """A grey picture, uncompressed, and passes that take their moving for granted."""
    names = sorted(["B", "G", "R", *(f"normal{i}.X" for i in range(count - 3))])
    listed = b"".join(n.encode() + b"\0" + struct.pack("<iiii", 1, 0, 1, 1) for n in names)
    window = struct.pack("<4i", 0, 0, side_px - 1, side_px - 1)
    attributes = [
        ("channels", "chlist", listed + b"\0"),
        ("compression", "compression", b"\0"),
        ("dataWindow", "box2i", window),
        ("displayWindow", "box2i", window),
        ("lineOrder", "lineOrder", b"\0"),
        ("pixelAspectRatio", "float", struct.pack("<f", 1)),
        ("screenWindowCenter", "v2f", bytes(8)),
        ("screenWindowWidth", "float", struct.pack("<f", 1)),
    ]
    head = struct.pack("<II", 20000630, 2)
    for name, kind, value in attributes:
        head += f"{name}\0{kind}\0".encode() + struct.pack("<i", len(value)) + value
    head += b"\0"
    line, start = 2 * side_px * count, len(head) + 8 * side_px
    table = b"".join(struct.pack("<Q", start + y * (8 + line)) for y in range(side_px))
    blocks = (struct.pack("<ii", y, line) + b"\0\x38" * (line // 2) for y in range(side_px))
    return head + table + b"".join(blocks)


def triangle_soup(
    seed: int, count: int
) -> tuple[Float[np.ndarray, "points 3"], Int[np.ndarray, "faces 3"]]:
    """Triangles from anywhere to anywhere, of which each ray meets the boxes of hundreds."""
    points = np.random.default_rng(seed).random((count, 3))
    return points, np.random.default_rng(seed + 1).integers(0, count, (count, 3))


VIDEOS = {
    "a.mp4": ("libx264", "mp4", "yuv420p"),
    "a.mkv": ("ffv1", "matroska", "yuv420p"),
    "a.webm": ("libvpx-vp9", "webm", "yuv420p"),
    "a.mov": ("prores_ks", "mov", "yuv422p10le"),
    "a.gif": ("gif", "gif", "rgb8"),
}
"""Name → encoder, container, and format of the pixels."""


def video(path: Path) -> bytes:
    """A second of noise, of the kind that the name says."""
    import av

    codec, container, pixels = VIDEOS[path.name]
    random = np.random.default_rng(1)
    with av.open(str(path), "w", format=container) as out:
        stream = out.add_stream(codec, rate=24)
        stream.width, stream.height, stream.pix_fmt = 64, 48, pixels
        for _ in range(24):
            levels = random.integers(0, 255, (48, 64, 3), dtype=np.uint8)
            out.mux(stream.encode(av.VideoFrame.from_ndarray(levels, format="rgb24")))
        out.mux(stream.encode(None))
    return path.read_bytes()


def damaged_videos(sound: bytes) -> dict[str, bytes]:
    """The ways in which disks and transfers damage a video."""
    half, part = len(sound) // 2, min(2000, len(sound) // 8)
    noise = np.random.default_rng(3).bytes(part)
    return {
        "zeroed bytes": sound[:half] + bytes(part) + sound[half + part :],
        "corrupt middle": sound[:half] + noise + sound[half + part :],
        "cut at two thirds": sound[: len(sound) * 2 // 3],
    }


def onnx_of_functions(depth: int) -> bytes:
    """A model that calls a function of ten calls of a function of ten calls ..."""
    import onnx
    from onnx import TensorProto, helper

    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("own", 1)]
    functions = []
    for level in range(depth):
        kind, domain = ("Relu", "") if level == 0 else (f"f{level - 1}", "own")
        names = ["x", *(f"t{i}" for i in range(9)), "y"]
        nodes = [
            helper.make_node(kind, [a], [b], domain=domain) for a, b in itertools.pairwise(names)
        ]
        functions.append(helper.make_function("own", f"f{level}", ["x"], ["y"], nodes, opsets))
    top = helper.make_node(f"f{depth - 1}", ["x"], ["y"], domain="own")
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1]) for name in "xy"]
    graph = helper.make_graph([top], "g", ends[:1], ends[1:])
    model = helper.make_model(graph, opset_imports=opsets, functions=functions, ir_version=8)
    onnx.helper.set_model_props(model, {"reggan_plugin": '{"weights_sha256": "' + "0" * 64 + '"}'})
    return bytes(model.SerializeToString())


def onnx_that_grows() -> bytes:
    """A sound model that also makes 31 GB of zeros when it is asked."""
    import onnx
    from onnx import helper, numpy_helper

    model = onnx.load(str(installed_models()["sargan"]))
    kind = {one.name: one.type.tensor_type.elem_type for one in model.graph.output}["mask"]
    for node in model.graph.node:
        node.output[:] = ["mask_" if name == "mask" else name for name in node.output]
    zero = numpy_helper.from_array(np.zeros(1, helper.tensor_dtype_to_np_dtype(kind)))
    times = numpy_helper.from_array(np.array([1, 1, 400, 400]), "times")
    model.graph.initializer.append(times)
    model.graph.node.extend(
        [
            helper.make_node("Shape", ["image"], ["shape"]),
            helper.make_node("Mul", ["shape", "times"], ["large"]),
            helper.make_node("ConstantOfShape", ["large"], ["zeros"], value=zero),
            helper.make_node("ReduceMax", ["zeros"], ["most"]),
            helper.make_node("Add", ["mask_", "most"], ["mask"]),
        ]
    )
    return bytes(model.SerializeToString())


def _one_place(folder: Path) -> bytes:
    document, binary = glb_parts(sound_meshes(folder)["head.glb"])
    document["nodes"] += [{"mesh": 0, "name": f"n{i}"} for i in range(19_000)]
    document["scenes"][0]["nodes"] = list(range(2, len(document["nodes"])))
    return glb_of(document, binary)


def glb_take(
    *, keys: int = 1, names: int = 1, channels: int = 1, animations: int = 1, how: str = "LINEAR"
) -> Callable[[Path], bytes]:
    """Keys in no bytes at all, read by many channels, of many names."""

    def make(folder: Path) -> bytes:
        document, binary = glb_parts(sound_meshes(folder)["head.glb"])
        document["meshes"][0]["extras"] = {"targetNames": ["jawOpen"] * names}
        first = len(document["accessors"])
        per_key = names * (3 if how == "CUBICSPLINE" else 1)
        for count in (keys, keys * per_key):
            accessor = {"componentType": 5126, "count": count, "type": "SCALAR"}
            document["accessors"].append(accessor)
        sampler = {"input": first, "output": first + 1, "interpolation": how}
        channel = {"sampler": 0, "target": {"node": 2, "path": "weights"}}
        animation = {"samplers": [sampler], "channels": [channel] * channels}
        document["animations"] = [animation] * animations
        return glb_of(document, binary)

    return make


def _many(key: str, entry: dict[str, Any], count: int, more: int = 0) -> Callable[[Path], bytes]:
    """The sound head with an entry of a list many times, and more bytes in its buffer."""

    def make(folder: Path) -> bytes:
        document, binary = glb_parts(sound_meshes(folder)["head.glb"])
        document[key] += [entry] * count
        return glb_of(document, binary + bytes(more))

    return make


_CORNERS = "v 0 0 0\nv 1 0 0\nv 0 1 0\n"
BOMBS: dict[str, Callable[[Path], bytes]] = {
    "a.jpg": lambda _: jpeg_of_scans(5000),
    "large.bmp": lambda _: bmp(60_000, 60_000, 100),
    "short.bmp": lambda _: bmp(16_384, 16_384, 100),
    "short.tga": lambda _: tga(16_384, 16_384, 100),
    "channels.exr": lambda _: exr_of_channels(20_000),
    "parts.glb": _one_place,
    "groups.obj": lambda _: (
        _CORNERS + "".join(f"g a{i}\nf 1 2 3\n" for i in range(60_000))
    ).encode(),
    "take-channels.glb": glb_take(keys=500_000, channels=1000),
    "take-names.glb": glb_take(names=100_000, channels=1000),
    "take-spline.glb": glb_take(keys=7_000_000, how="CUBICSPLINE"),
    "take-no-keys.glb": glb_take(keys=0),
    "buffers.glb": _many("buffers", {"byteLength": 999_999}, 10_000, more=1_000_000),
    "images.gltf": lambda _: json.dumps(
        {"asset": {"version": "2.0"}, "images": [{"uri": f"{i}.png"} for i in range(50_000)]}
    ).encode(),
    "path.gltf": lambda _: json.dumps(
        {"asset": {"version": "2.0"}, "buffers": [{"uri": "a/" * 500_000, "byteLength": 1}]}
    ).encode(),
    "take-columns.csv": lambda _: ("time," + ",".join(map(str, range(1_000_000)))).encode(),
    "take-number.json": lambda _: (
        '{"exportFps": 30, "facsNames": ["jawOpen"], "weightMat": [[1' + "0" * 400 + "]]}"
    ).encode(),
    "take-row.csv": lambda _: b"time,jawOpen\n0,1" + b"0" * 400,
    "curve-keys.csv": lambda _: "".join(f"{i},happy,0.5\n" for i in range(1_000_000)).encode(),
    "curve-word.csv": lambda _: b"1," + b"h" * 100_000 + b",0.5\n",
    "curve-number.json": lambda _: (
        '[{"frame": 1' + "0" * 400 + ', "expression": "happy", "value": 1}]'
    ).encode(),
    "many.toml": lambda _: "".join(f"[p{i}]\njawOpen = 0.1\n" for i in range(30_000)).encode(),
    "dots.toml": lambda _: b"a" + b".a" * 100_000 + b" = 1\n",
    "heading.toml": lambda _: b"[a" + b".a" * 5_000 + b"]\nx = 1\n",
    "hexadecimal.toml": lambda _: b"[a]\njawOpen = 0x" + b"f" * 100_000,
    "deep.toml": lambda _: b"a = " + b"[" * 5_000,
    "list.mp4": lambda _: b"ffconcat version 1.0\nfile secret.png\n",
    "playlist.mkv": lambda _: b"#EXTM3U\n#EXTINF:1,\nsecret.png\n#EXT-X-ENDLIST\n",
}
"""By the name of the file."""


def bomb(folder: Path, number: int) -> Path:
    """A hostile file, in sizes and ways that the number decides; for the long run."""
    chance = random.Random(number)
    kind = number % 4
    if kind == 0:
        return reaching_out(folder, chance.choice(REACHES))
    if kind == 1:
        path = folder / f"{chance.choice(list(BAD_USD))}.usda"
        content = bytearray(BAD_USD[path.stem])
        for _ in range(chance.randint(0, 3)):
            content[chance.randrange(9, len(content))] = chance.choice(b'0123456789-,()[]{}"@<>')
        path.write_bytes(bytes(content))
        return path
    name = chance.choice(list(BOMBS))
    path = folder / name
    content = bytearray(BOMBS[name](folder))
    if kind == 3:
        for _ in range(chance.randint(1, 4)):
            content[chance.randrange(len(content))] = chance.randrange(256)
    path.write_bytes(bytes(content))
    return path


def json_record(number: str) -> str:
    """A frame's record with this in place of its seconds."""
    return json.dumps({"schema": 1, "seconds": "NUMBER"}).replace('"NUMBER"', number)
