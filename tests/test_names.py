"""A class name stands once in the whole project."""

import ast
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).parents[1]
ROOMS = ("reggan_plugin", "training/reggan_training", "export/reggan_export", "blender_addon")


def test_a_class_name_stands_once() -> None:
    places: dict[str, list[str]] = defaultdict(list)
    for path in (path for room in ROOMS for path in sorted((ROOT / room).rglob("*.py"))):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                places[node.name].append(str(path.relative_to(ROOT)))
    assert {name: found for name, found in places.items() if len(found) > 1} == {}


def test_no_module_gives_one_of_its_constants_two_values() -> None:
    """Two files that become one may each have a `_LEAST`; the second would count for both."""
    twice = []
    for path in (path for room in ROOMS for path in sorted((ROOT / room).rglob("*.py"))):
        names: set[str] = set()
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            targets = node.targets if isinstance(node, ast.Assign) else []
            parts = [
                part.id
                for target in targets
                for part in ast.walk(target)
                if isinstance(part, ast.Name) and part.id.isupper()
            ]
            twice += [f"{path.relative_to(ROOT)}: {name}" for name in parts if name in names]
            names.update(parts)
    assert twice == []
