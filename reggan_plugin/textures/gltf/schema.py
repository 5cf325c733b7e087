"""Checks of a glTF document before any of it is used.

A file may come from anybody. It is checked once, when it is read; all other modules of this room
then take fields as they stand. Only what they use is looked at: unknown fields stay unknown.

Source: Khronos glTF 2.0 specification, sections 3 and 5, and the JSON schemas of
KHR_texture_transform, KHR_materials_variants and VRMC_vrm 1.0.
"""

from collections.abc import Callable, Mapping
from typing import Any

from reggan_plugin.textures.references import MOST_MESH_BYTES

MOST_VALUES = 4_000_000
"""Of the JSON; a scanned body with a thousand animations has a tenth of them."""
MOST_DEPTH = 100
_LARGEST_NUMBER = 1e30
_MOST_STRIDE = 252

Sizes = Mapping[str, int]
"""Number of entries of each top-level array."""
Check = Callable[[Any, str, Sizes], None]


def check_document(document: Any) -> None:
    """Refuse a document whose fields are not as glTF 2.0 has them.

    Raises:
        ValueError: one is not; or the nodes are no tree.
    """
    _object_of(document, "the document")
    _check_depth(document)
    sizes = {key: len(value) for key, value in document.items() if isinstance(value, list)}
    _DOCUMENT(document, "", sizes)
    _check_tree(document.get("nodes", []))


def refuse_overgrown(text: bytes) -> None:
    """Refuse JSON that cannot be parsed in a few hundred megabytes.

    Raises:
        ValueError: it has more values than any character has.
    """
    values = text.count(b",") + text.count(b"[") + text.count(b"{")
    if values > MOST_VALUES:
        raise ValueError(f"its JSON has {values:,} values, of at most {MOST_VALUES:,}")


def _fault(place: str, found: object, expected: str) -> ValueError:
    return ValueError(f"{place or 'the document'} is {repr(found)[:60]}, expected {expected}")


def _object_of(value: Any, place: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise _fault(place, value, "an object")
    return value


def _text(value: Any, place: str, _: Sizes) -> None:
    if not isinstance(value, str):
        raise _fault(place, value, "text")


def _flag(value: Any, place: str, _: Sizes) -> None:
    if not isinstance(value, bool):
        raise _fault(place, value, "true or false")


def _number(value: Any, place: str, _: Sizes) -> None:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not (is_number and -_LARGEST_NUMBER <= value <= _LARGEST_NUMBER):  # false for NaN, too
        raise _fault(place, value, "a finite number")


def _whole(most: int) -> Check:
    def check(value: Any, place: str, _: Sizes) -> None:
        is_whole = isinstance(value, int) and not isinstance(value, bool)
        if not (is_whole and 0 <= value <= most):
            raise _fault(place, value, f"a whole number from 0 to {most}")

    return check


def _index(key: str) -> Check:
    def check(value: Any, place: str, sizes: Sizes) -> None:
        is_whole = isinstance(value, int) and not isinstance(value, bool)
        if not (is_whole and 0 <= value < sizes.get(key, 0)):
            raise _fault(place, value, f"an index of one of {sizes.get(key, 0)} {key}")

    return check


def _index_or_none(key: str) -> Check:
    """VRM 0.x writes -1 for a bone that it does not have."""
    index = _index(key)

    def check(value: Any, place: str, sizes: Sizes) -> None:
        if value != -1:
            index(value, place, sizes)

    return check


def _array(of: Check, length: int | None = None) -> Check:
    def check(value: Any, place: str, sizes: Sizes) -> None:
        if not isinstance(value, list) or (length is not None and len(value) != length):
            raise _fault(place, value, "an array" + (f" of {length}" if length else ""))
        for i, one in enumerate(value):
            of(one, f"{place}[{i}]", sizes)

    return check


def _mapping(of: Check) -> Check:
    def check(value: Any, place: str, sizes: Sizes) -> None:
        for key, one in _object_of(value, place).items():
            of(one, f"{place}.{key[:40]}", sizes)

    return check


def _record(needed: Mapping[str, Check], **optional: Check) -> Check:
    fields = {**needed, **optional}

    def check(value: Any, place: str, sizes: Sizes) -> None:
        entry = _object_of(value, place)
        for name in needed:
            if name not in entry:
                raise ValueError(f"{place or 'the document'} has no {name}")
        for name, of in fields.items():
            if name in entry:
                of(entry[name], f"{place}.{name}".removeprefix("."), sizes)

    return check


def _any(value: Any, place: str, sizes: Sizes) -> None:
    """Every value will do."""


def _image(value: Any, place: str, sizes: Sizes) -> None:
    entry = _object_of(value, place)
    if "uri" not in entry and "bufferView" not in entry:
        raise ValueError(f"{place} has neither uri nor bufferView")
    _IMAGE_FIELDS(entry, place, sizes)


def _material(value: Any, place: str, sizes: Sizes) -> None:
    """Its own fields, and every texture that it or one of its extensions shows."""
    _MATERIAL_FIELDS(value, place, sizes)
    waiting = [(value, place)]
    while waiting:
        entry, where = waiting.pop()
        for key, one in entry.items():
            if not isinstance(one, dict):
                continue
            if key.endswith("Texture") and isinstance(one.get("index"), int):
                _TEXTURE_INFO(one, f"{where}.{key}", sizes)
            waiting.append((one, f"{where}.{key}"))


_SIZE = _whole(MOST_MESH_BYTES)
_OBJECT = _mapping(_any)
_ATTRIBUTES = _mapping(_index("accessors"))
_WEIGHTS = _array(_number)
_PLACE_IN_VIEW = {"bufferView": _index("bufferViews")}
_TRANSFORM = _record(
    {},
    offset=_array(_number, 2),
    scale=_array(_number, 2),
    rotation=_number,
    texCoord=_whole(99),
)
_TEXTURE_INFO = _record(
    {"index": _index("textures")},
    texCoord=_whole(99),
    extensions=_record({}, KHR_texture_transform=_TRANSFORM),
)
_MATERIAL_FIELDS = _record(
    {},
    name=_text,
    alphaMode=_text,
    alphaCutoff=_number,
    doubleSided=_flag,
    extensions=_OBJECT,
    pbrMetallicRoughness=_record(
        {}, baseColorTexture=_TEXTURE_INFO, baseColorFactor=_array(_number, 4)
    ),
)
_IMAGE_FIELDS = _record({}, uri=_text, bufferView=_index("bufferViews"), mimeType=_text, name=_text)
_PRIMITIVE = _record(
    {"attributes": _ATTRIBUTES},
    indices=_index("accessors"),
    material=_index("materials"),
    mode=_whole(6),
    targets=_array(_ATTRIBUTES),
    extensions=_record({}, KHR_materials_variants=_record({}, mappings=_array(_OBJECT))),
)
_ACCESSOR = _record(
    {"componentType": _whole(9999), "count": _SIZE, "type": _text},
    bufferView=_index("bufferViews"),
    byteOffset=_SIZE,
    normalized=_flag,
    sparse=_record(
        {
            "count": _SIZE,
            "indices": _record({**_PLACE_IN_VIEW, "componentType": _whole(9999)}, byteOffset=_SIZE),
            "values": _record(_PLACE_IN_VIEW, byteOffset=_SIZE),
        }
    ),
)
_NODE = _record(
    {},
    name=_text,
    children=_array(_index("nodes")),
    mesh=_index("meshes"),
    skin=_index("skins"),
    weights=_WEIGHTS,
    matrix=_array(_number, 16),
    rotation=_array(_number, 4),
    scale=_array(_number, 3),
    translation=_array(_number, 3),
)
_ANIMATION = _record(
    {},
    channels=_array(
        _record(
            {"sampler": _SIZE, "target": _record({}, node=_index("nodes"), path=_text)},
        )
    ),
    samplers=_array(
        _record({"input": _index("accessors"), "output": _index("accessors")}, interpolation=_text)
    ),
)
_EXPRESSIONS = _record({}, preset=_mapping(_OBJECT), custom=_mapping(_OBJECT))
_BONE_OF_VRM0 = _record({"bone": _text, "node": _index_or_none("nodes")})
_EXTENSIONS = _record(
    {},
    KHR_materials_variants=_record({}, variants=_array(_OBJECT)),
    VRMC_vrm=_record(
        {},
        humanoid=_record({}, humanBones=_mapping(_record({"node": _index("nodes")}))),
        expressions=_EXPRESSIONS,
    ),
    VRM=_record({}, humanoid=_record({}, humanBones=_array(_BONE_OF_VRM0))),
)
_DOCUMENT = _record(
    {"asset": _record({"version": _text})},
    accessors=_array(_ACCESSOR),
    buffers=_array(_record({"byteLength": _SIZE}, uri=_text)),
    bufferViews=_array(
        _record(
            {"buffer": _index("buffers"), "byteLength": _SIZE},
            byteOffset=_SIZE,
            byteStride=_whole(_MOST_STRIDE),
            extensions=_OBJECT,
        )
    ),
    images=_array(_image),
    textures=_array(
        _record(
            {},
            source=_index("images"),
            extensions=_mapping(_record({}, source=_index("images"))),
        )
    ),
    materials=_array(_material),
    meshes=_array(_record({"primitives": _array(_PRIMITIVE)}, name=_text, weights=_WEIGHTS)),
    nodes=_array(_NODE),
    skins=_array(
        _record({"joints": _array(_index("nodes"))}, inverseBindMatrices=_index("accessors"))
    ),
    scenes=_array(_record({}, nodes=_array(_index("nodes")))),
    scene=_index("scenes"),
    animations=_array(_ANIMATION),
    extensions=_EXTENSIONS,
    extensionsUsed=_array(_text),
)


def _check_depth(document: Any) -> None:
    level = [document]
    for _ in range(MOST_DEPTH):
        level = [
            inner
            for one in level
            for inner in (one.values() if isinstance(one, dict) else one)
            if isinstance(inner, dict | list)
        ]
        if not level:
            return
    raise ValueError(f"its JSON is nested more than {MOST_DEPTH} deep")


def _check_tree(nodes: list[dict[str, Any]]) -> None:
    """Refuse nodes with two parents, and circles."""
    parents: dict[int, int] = {}
    for number, node in enumerate(nodes):
        for child in node.get("children", []):
            if child in parents:
                raise ValueError(f"node {child} has two parents, {parents[child]} and {number}")
            parents[child] = number
    waiting = [number for number in range(len(nodes)) if number not in parents]
    seen = 0
    while waiting:
        seen += 1
        waiting += nodes[waiting.pop()].get("children", [])
    if seen < len(nodes):
        raise ValueError("nodes lead in a circle: one is its own parent")
