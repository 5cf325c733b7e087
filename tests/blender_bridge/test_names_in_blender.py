"""What the extension and the tests that only Blender runs take from elsewhere is there.

The gate has no Blender, so it never imports these files. It reads them: each name that they import
from this project must exist, and each attribute of its modules, operators and settings.
"""

import ast
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
HOUSES = {
    "reggan_plugin": ROOT / "reggan_plugin",
    "reggan_training": ROOT / "training" / "reggan_training",
    "blender_addon": ROOT / "blender_addon",
    "tests": ROOT / "tests",
}
ROOMS = (HOUSES["blender_addon"], HOUSES["tests"] / "blender")
OF_EVERY_MODULE = {"__file__", "__name__", "__doc__", "__path__"}
OF_EVERY_SETTING = {"bl_rna", "driver_add", "get", "keyframe_insert", "property_unset"}
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


@cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


@cache
def place_of(module: str) -> Path | None:
    """The file or folder of a module of this project; None where there is none."""
    house, *rest = module.split(".")
    place = HOUSES[house].joinpath(*rest)
    choices = (place.with_suffix(".py"), place / "__init__.py", place)
    return next((path for path in choices if path.exists()), None)


@cache
def names_of(path: Path) -> set[str]:
    """What a module binds outside its functions."""
    found = set(OF_EVERY_MODULE)
    for node in outside_functions(tree_of(path)) if path.is_file() else ():
        if isinstance(node, (*FUNCTIONS, ast.ClassDef)):
            found.add(node.name)
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            found |= {alias.asname or alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            found.add(node.id)
    return found


def outside_functions(tree: ast.Module) -> Iterator[ast.AST]:
    waiting: list[ast.AST] = [tree]
    while waiting:
        yield (node := waiting.pop())
        if not isinstance(node, FUNCTIONS):
            waiting += ast.iter_child_nodes(node)


def has(module: str, name: str) -> bool:
    """Whether a module binds a name, hands it out on demand, or has a module of that name."""
    place = place_of(module)
    known = names_of(place) if place else set()
    return bool(known & {name, "__getattr__"}) or place_of(f"{module}.{name}") is not None


def source_of(node: ast.ImportFrom, path: Path) -> str:
    """The module that is imported from, written in full; nothing where it is not ours."""
    source = node.module or ""
    if node.level:
        for house, place in HOUSES.items():
            if path.is_relative_to(place):
                package = (house, *path.parent.relative_to(place).parts)
                source = ".".join((*package[: len(package) + 1 - node.level], *source.split(".")))
    return source.rstrip(".") if source.partition(".")[0] in HOUSES else ""


@cache
def classes() -> dict[str, ast.ClassDef]:
    """Of the extension."""
    trees = (tree_of(path) for path in ROOMS[0].rglob("*.py"))
    return {one.name: one for tree in trees for one in tree.body if isinstance(one, ast.ClassDef)}


def fields_of(name: str) -> set[str]:
    """Properties of a class and its bases."""
    node = classes().get(name)
    found: set[str] = set()
    for line in node.body if node else ():
        if isinstance(line, ast.AnnAssign) and isinstance(line.target, ast.Name):
            found.add(line.target.id)
    return found.union(*(fields_of(ast.unparse(base)) for base in (node.bases if node else ())))


@cache
def operators() -> dict[str, set[str]]:
    """Names of the extension's operators and their properties."""
    found = {}
    for name, node in classes().items():
        for line in node.body:
            if isinstance(line, ast.Assign) and ast.unparse(line.targets[0]) == "bl_idname":
                found[ast.unparse(line.value).strip("'")] = fields_of(name)
    return found


@cache
def attached() -> dict[str, set[str]]:
    """What the extension attaches to Blender's data, and its fields; none: a value, or any."""
    found: dict[str, set[str]] = {}
    for path in ROOMS[0].rglob("*.py"):
        for node in outside_functions(tree_of(path)):
            if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "settings":
                text = ast.unparse(node.value)
                names = re.findall(r"'([a-z_]+)'", text)
                prefix = "reggan_" if "f'reggan_{" in text else ""
                found = {prefix + name: set() for name in names} | found
                groups = re.findall(r"'(reggan\w*)', PointerProperty\(type=(\w+)\)", text)
                found |= {name: fields_of(group) for name, group in groups}
        text = path.read_text(encoding="utf-8")
        found |= {name: set() for name in re.findall(r"bpy\.types\.\w+\.(reggan_\w+) =", text)}
    return found


def meaning_of(node: ast.AST) -> str:
    """The module that an expression names, or `.` and what is attached to Blender's data."""
    if isinstance(node, ast.Attribute) and not ast.unparse(node).startswith("bpy.ops"):
        return f".{node.attr}" if node.attr in attached() else ""
    if isinstance(node, ast.Call) and ast.unparse(node.func) == "addon" and node.args:
        return f"blender_addon.{ast.literal_eval(node.args[0])}"  # of the clicks
    return ""


def meanings(nodes: Iterable[ast.AST], path: Path) -> dict[str, str]:
    """What local names stand for, where it is one thing alone."""
    found: dict[str, set[str]] = defaultdict(set)
    seen: set[ast.AST] = set()
    for node in nodes:
        if isinstance(node, ast.ImportFrom) and (source := source_of(node, path)):
            for alias in node.names:
                full = f"{source}.{alias.name}"
                found[alias.asname or alias.name].add(full if place_of(full) else "")
        elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            found[node.targets[0].id].add(meaning_of(node.value))
            seen.add(node.targets[0])
        elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Tuple):
            values = getattr(node.value, "elts", [])
            for target, value in zip(node.targets[0].elts, values, strict=False):
                found[ast.unparse(target)].add(meaning_of(value))
                seen.add(target)
        elif isinstance(node, ast.arg):
            found[node.arg].add("")
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store) and node not in seen:
            found[node.id].add("")
    return {name: next(iter(one)) if len(one) == 1 else "" for name, one in found.items()}


def wrong_in(path: Path) -> Iterator[str]:
    """Names that a file takes from this project and that are not there."""
    tree = tree_of(path)
    outside = list(outside_functions(tree))
    everywhere = meanings(outside, path)
    yield from _wrong_among(outside, everywhere, path)
    for function in (node for node in outside if isinstance(node, FUNCTIONS)):
        inside = list(ast.walk(function))
        yield from _wrong_among(inside, everywhere | meanings(inside, path), path)


def _wrong_among(nodes: list[ast.AST], known: dict[str, str], path: Path) -> Iterator[str]:
    for node in nodes:
        for wrong in _wrong_here(node, known, path):
            yield f"{path.name}:{getattr(node, 'lineno', 0)}: {wrong}"


def _wrong_here(node: ast.AST, known: dict[str, str], path: Path) -> Iterator[str]:
    if isinstance(node, ast.Import):
        ours = (alias.name for alias in node.names if alias.name.partition(".")[0] in HOUSES)
        yield from (name for name in ours if place_of(name) is None)
    elif isinstance(node, ast.ImportFrom) and (source := source_of(node, path)):
        names = (alias.name for alias in node.names)
        yield from (f"{source}.{name}" for name in names if not has(source, name))
    elif isinstance(node, ast.Attribute):
        owner = meaning_of(node.value) or known.get(ast.unparse(node.value), "")
        if owner.startswith("."):
            fields = attached()[owner[1:]]
            if fields and node.attr not in fields | OF_EVERY_SETTING:
                yield f"{owner}.{node.attr}"
        elif owner and not has(owner, node.attr):
            yield f"{owner}.{node.attr}"
        elif node.attr.startswith("reggan_") and node.attr not in attached():
            yield f".{node.attr}"
    elif isinstance(node, ast.Call):
        yield from _wrong_call(node, known)
    elif isinstance(node, ast.Constant) and re.fullmatch(r"reggan\.[a-z_]+", str(node.value)):
        name = str(node.value).removeprefix("reggan.")  # an operator, or the path of a setting
        if f"reggan.{name}" not in operators() and name not in attached()["reggan"]:
            yield str(node.value)


def _wrong_call(node: ast.Call, known: dict[str, str]) -> Iterator[str]:
    called = ast.unparse(node.func)
    if called.startswith("bpy.ops.reggan.") and called.count(".") == 3:
        name = called.removeprefix("bpy.ops.")
        given = {word.arg for word in node.keywords if word.arg}
        if name not in operators():
            yield called
        elif unknown := given - operators()[name]:
            yield f"{called}({', '.join(unknown)})"
    elif called.endswith(".setattr") and node.args:  # of monkeypatch
        owner, *rest = node.args
        path = [getattr(one, "value", "") for one in (owner, *rest)]
        if isinstance(owner, ast.Constant) and path[0].partition(".")[0] in HOUSES:
            module, _, name = path[0].rpartition(".")
        else:
            module, name = known.get(ast.unparse(owner), ""), path[1]
        if module and not module.startswith(".") and not has(module, name):
            yield f"{module}.{name}"


def test_names_in_the_extension_and_in_its_tests_exist() -> None:
    files = [path for room in ROOMS for path in sorted(room.rglob("*.py"))]
    wrong = sorted({one for path in files for one in wrong_in(path)})
    assert wrong == [], "renamed or moved? Follow it there; only Blender runs these files"


@pytest.mark.parametrize(
    "line",
    [
        "from reggan_plugin.files.frame import read_picture",
        "from reggan_plugin.files.pictures import read_frame",
        "import reggan_plugin.vocabulary.words",
        "from blender_addon.operators import live; live.ticks()",
        "live = addon('operators.live'); live.ticks()",
        "addon('operators.alive').tick()",
        "bpy.ops.reggan.render_pictures()",
        "bpy.ops.reggan.render_and_apply(animated=True)",
        "button_of('IMAGE_EDITOR', 'reggan.render_pictures')",
        "scene.reggan.mood = 'happy'",
        "settings = scene.reggan_head; settings.heads = None",
        "manager.reggan_ended",
        "monkeypatch.setattr('blender_addon.operators.live.ticks', None)",
        "from blender_addon import preferences; monkeypatch.setattr(preferences, 'folder', None)",
    ],
)
@pytest.mark.parametrize("is_in_function", [False, True])
def test_a_name_that_is_gone_is_found(line: str, is_in_function: bool, tmp_path: Path) -> None:
    (path := tmp_path / "test_new.py").write_text(
        f"def f():\n    {line}" if is_in_function else line
    )
    assert len(list(wrong_in(path))) == 1
