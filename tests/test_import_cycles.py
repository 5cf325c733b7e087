"""Files need each other in one order. What only a type checker reads is no need."""

import graphlib
import sys
from pathlib import Path

import grimp

ROOT = Path(__file__).parents[1]
PACKAGES = ("reggan_plugin", "reggan_training", "reggan_export", "blender_addon")


def order_of(graph: grimp.ImportGraph) -> list[str]:
    needs = {name: graph.find_modules_directly_imported_by(name) for name in graph.modules}
    return list(graphlib.TopologicalSorter(needs).static_order())


def test_no_file_needs_a_file_that_needs_it() -> None:
    for folder in (ROOT, ROOT / "training", ROOT / "export"):
        if str(folder) not in sys.path:
            sys.path.append(str(folder))
    graph = grimp.build_graph(*PACKAGES, cache_dir=None, exclude_type_checking_imports=True)
    names = order_of(graph)
    assert names.index("reggan_plugin.errors") < names.index("reggan_plugin.jobs.plan")
