"""Checks of a glTF document before any of it is used.

A file may come from anybody. It is checked once, when it is read; all other modules of this room
then take fields as they stand. Only what they use is looked at: unknown fields stay unknown.

Source: Khronos glTF 2.0 specification, sections 3 and 5, and the JSON schemas of
KHR_texture_transform, KHR_materials_variants and VRMC_vrm 1.0.
"""

from collections.abc import Callable, Mapping
from typing import Any

from reggan_plugin.limits import MOST_DEPTH, MOST_MESH_BYTES, MOST_VALUES

_LARGEST_NUMBER = 1e30

Sizes = Mapping[str, int]
"""Number of entries of each top-level array."""
Check = Callable[[Any, str, Sizes], None]


def _fault(place: str, found: object, expected: str) -> ValueError:
    return ValueError(f"{place or 'the document'} is {repr(found)[:60]}, expected {expected}")


def object_of(value: Any, place: str) -> dict[str, Any]:
    """Return the value, refused if it is no JSON object."""
    if not isinstance(value, dict):
        raise _fault(place, value, "an object")
    return value


def of_type(kind: type, expected: str) -> Check:
    """Return a check that a value is of a type."""

    def check(value: Any, place: str, _: Sizes) -> None:
        if not isinstance(value, kind):
            raise _fault(place, value, expected)

    return check


check_text, check_flag = of_type(str, "text"), of_type(bool, "true or false")


def check_number(value: Any, place: str, _: Sizes) -> None:
    """Refuse what is no finite number."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not (is_number and -_LARGEST_NUMBER <= value <= _LARGEST_NUMBER):  # false for NaN, too
        raise _fault(place, value, "a finite number")


def is_whole(value: Any, least: int, beyond: int) -> bool:
    """Tell whether it is a whole number from `least` up to, but without, `beyond`."""
    return isinstance(value, int) and not isinstance(value, bool) and least <= value < beyond


def whole_number(most: int) -> Check:
    """Return a check for a whole number from 0 to `most`."""

    def check(value: Any, place: str, _: Sizes) -> None:
        if not is_whole(value, 0, most + 1):
            raise _fault(place, value, f"a whole number from 0 to {most}")

    return check


def index_of(key: str, least: int = 0) -> Check:
    """Return a check for the place of an entry of a top-level array.

    `least` is -1 in VRM 0.x, where a bone may have no node.
    """

    def check(value: Any, place: str, sizes: Sizes) -> None:
        if not is_whole(value, least, sizes.get(key, 0)):
            raise _fault(place, value, f"an index of one of {sizes.get(key, 0)} {key}")

    return check


def array_of(of: Check, length: int | None = None) -> Check:
    """Return a check for a list, and for each of its entries."""

    def check(value: Any, place: str, sizes: Sizes) -> None:
        if not isinstance(value, list) or (length is not None and len(value) != length):
            raise _fault(place, value, "an array" + (f" of {length}" if length else ""))
        for i, one in enumerate(value):
            of(one, f"{place}[{i}]", sizes)

    return check


def mapping_of(of: Check) -> Check:
    """Return a check for an object with any names, and for each of its values."""

    def check(value: Any, place: str, sizes: Sizes) -> None:
        for key, one in object_of(value, place).items():
            of(one, f"{place}.{key[:40]}", sizes)

    return check


def record_of(needed: Mapping[str, Check], **optional: Check) -> Check:
    """Return a check for an object: fields that it needs, and others where they are there."""
    fields = {**needed, **optional}

    def check(value: Any, place: str, sizes: Sizes) -> None:
        entry = object_of(value, place)
        for name in needed:
            if name not in entry:
                raise ValueError(f"{place or 'the document'} has no {name}")
        for name, of in fields.items():
            if name in entry:
                of(entry[name], f"{place}.{name}".removeprefix("."), sizes)

    return check


def anything(value: Any, place: str, sizes: Sizes) -> None:
    """Refuse nothing."""


_MOST_STRIDE = 252


def check_document(document: Any) -> None:
    """Refuse a document whose fields are not as glTF 2.0 has them.

    Raises:
        ValueError: one is not; or the nodes are no tree.
    """
    object_of(document, "the document")
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


def _image(value: Any, place: str, sizes: Sizes) -> None:
    entry = object_of(value, place)
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


_SIZE = whole_number(MOST_MESH_BYTES)
_OBJECT = mapping_of(anything)
_ATTRIBUTES = mapping_of(index_of("accessors"))
_WEIGHTS = array_of(check_number)
_PLACE_IN_VIEW = {"bufferView": index_of("bufferViews")}
_TRANSFORM = record_of(
    {},
    offset=array_of(check_number, 2),
    scale=array_of(check_number, 2),
    rotation=check_number,
    texCoord=whole_number(99),
)
_TEXTURE_INFO = record_of(
    {"index": index_of("textures")},
    texCoord=whole_number(99),
    extensions=record_of({}, KHR_texture_transform=_TRANSFORM),
)
_MATERIAL_FIELDS = record_of(
    {},
    name=check_text,
    alphaMode=check_text,
    alphaCutoff=check_number,
    doubleSided=check_flag,
    extensions=_OBJECT,
    pbrMetallicRoughness=record_of(
        {}, baseColorTexture=_TEXTURE_INFO, baseColorFactor=array_of(check_number, 4)
    ),
)
_IMAGE_FIELDS = record_of(
    {}, uri=check_text, bufferView=index_of("bufferViews"), mimeType=check_text, name=check_text
)
_PRIMITIVE = record_of(
    {"attributes": _ATTRIBUTES},
    indices=index_of("accessors"),
    material=index_of("materials"),
    mode=whole_number(6),
    targets=array_of(_ATTRIBUTES),
    extensions=record_of({}, KHR_materials_variants=record_of({}, mappings=array_of(_OBJECT))),
)
_ACCESSOR = record_of(
    {"componentType": whole_number(9999), "count": _SIZE, "type": check_text},
    bufferView=index_of("bufferViews"),
    byteOffset=_SIZE,
    normalized=check_flag,
    sparse=record_of(
        {
            "count": _SIZE,
            "indices": record_of(
                {**_PLACE_IN_VIEW, "componentType": whole_number(9999)}, byteOffset=_SIZE
            ),
            "values": record_of(_PLACE_IN_VIEW, byteOffset=_SIZE),
        }
    ),
)
_NODE = record_of(
    {},
    name=check_text,
    children=array_of(index_of("nodes")),
    mesh=index_of("meshes"),
    skin=index_of("skins"),
    weights=_WEIGHTS,
    matrix=array_of(check_number, 16),
    rotation=array_of(check_number, 4),
    scale=array_of(check_number, 3),
    translation=array_of(check_number, 3),
)
_ANIMATION = record_of(
    {},
    channels=array_of(
        record_of(
            {"sampler": _SIZE, "target": record_of({}, node=index_of("nodes"), path=check_text)}
        )
    ),
    samplers=array_of(
        record_of(
            {"input": index_of("accessors"), "output": index_of("accessors")},
            interpolation=check_text,
        )
    ),
)
_EXPRESSIONS = record_of({}, preset=mapping_of(_OBJECT), custom=mapping_of(_OBJECT))
_BONE_OF_VRM0 = record_of({"bone": check_text, "node": index_of("nodes", -1)})
_EXTENSIONS = record_of(
    {},
    KHR_materials_variants=record_of({}, variants=array_of(_OBJECT)),
    VRMC_vrm=record_of(
        {},
        humanoid=record_of({}, humanBones=mapping_of(record_of({"node": index_of("nodes")}))),
        expressions=_EXPRESSIONS,
    ),
    VRM=record_of({}, humanoid=record_of({}, humanBones=array_of(_BONE_OF_VRM0))),
)
_WRAPPING = whole_number(2**16)
_DOCUMENT = record_of(
    {"asset": record_of({"version": check_text})},
    accessors=array_of(_ACCESSOR),
    buffers=array_of(record_of({"byteLength": _SIZE}, uri=check_text)),
    bufferViews=array_of(
        record_of(
            {"buffer": index_of("buffers"), "byteLength": _SIZE},
            byteOffset=_SIZE,
            byteStride=whole_number(_MOST_STRIDE),
            extensions=_OBJECT,
        )
    ),
    images=array_of(_image),
    textures=array_of(
        record_of(
            {},
            source=index_of("images"),
            sampler=index_of("samplers"),
            extensions=mapping_of(record_of({}, source=index_of("images"))),
        )
    ),
    samplers=array_of(record_of({}, wrapS=_WRAPPING, wrapT=_WRAPPING)),
    materials=array_of(_material),
    meshes=array_of(
        record_of({"primitives": array_of(_PRIMITIVE)}, name=check_text, weights=_WEIGHTS)
    ),
    nodes=array_of(_NODE),
    skins=array_of(
        record_of(
            {"joints": array_of(index_of("nodes"))}, inverseBindMatrices=index_of("accessors")
        )
    ),
    scenes=array_of(record_of({}, nodes=array_of(index_of("nodes")))),
    scene=index_of("scenes"),
    animations=array_of(_ANIMATION),
    extensions=_EXTENSIONS,
    extensionsUsed=array_of(check_text),
    extensionsRequired=array_of(check_text),
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
