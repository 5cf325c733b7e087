"""What one 8-bit PNG with one face passes through, and how much of the code is not work.

    python -m tests.measurements.one_frame [FILE]

Prints a table by room: files and functions that rendering the frame enters, files with code in all,
lines with a token (no docstrings, no comments), and which share of them is imports and signatures.
A file counts as entered if one of its functions is; importing it alone does not count. Class
bodies, comprehensions and lambdas are no functions.
"""

import ast
import io
import sys
import tempfile
import threading
import tokenize
from collections import defaultdict
from pathlib import Path
from types import CodeType, FrameType

import click

from reggan_plugin.cli import main

ROOT = Path(__file__).parents[2]
FRAME = ROOT / "reggan_plugin/samples/avatar_png/avatar.1001.png"
PARTS = ("reggan_plugin", "training/reggan_training", "export/reggan_export", "blender_addon")
_NO_TOKENS = (
    tokenize.COMMENT,
    tokenize.NL,
    tokenize.NEWLINE,
    tokenize.INDENT,
    tokenize.DEDENT,
    tokenize.ENCODING,
    tokenize.ENDMARKER,
)


def entered_by(frame: Path) -> dict[str, set[tuple[str, int]]]:
    """Render a frame; returns the functions that it enters, by file of the runtime."""
    codes: set[CodeType] = set()

    def note(called: FrameType, event: str, _: object) -> None:
        if event == "call":
            codes.add(called.f_code)

    with tempfile.TemporaryDirectory() as folder:
        words = ["render", str(frame), "-e", "happy", "--out", str(Path(folder, "out.png"))]
        main(words)  # what is loaded once is not counted twice, and locals of imports not at all
        sys.setprofile(note)
        threading.setprofile(note)  # files are read and written in others
        try:
            failed = main([*words, "--overwrite"])
        finally:
            sys.setprofile(None)
            threading.setprofile(None)  # type: ignore[arg-type]
    assert not failed
    found: dict[str, set[tuple[str, int]]] = defaultdict(set)
    for code in codes:
        path = Path(code.co_filename)
        if path.is_relative_to(ROOT / "reggan_plugin") and not code.co_name.startswith("<"):
            found[str(path.relative_to(ROOT))].add((code.co_qualname, code.co_firstlineno))
    return found


def lines_of(path: Path) -> tuple[int, int]:
    """Lines with a token of a file, and how many of them are imports or signatures."""
    text = path.read_text(encoding="utf-8")
    tree = ast.parse(text)
    texts: set[int] = set()
    heads: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            texts.update(range(node.lineno, (node.end_lineno or 0) + 1))
        if isinstance(node, ast.Import | ast.ImportFrom):
            heads.update(range(node.lineno, (node.end_lineno or 0) + 1))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            heads.update(range(node.lineno, node.body[0].lineno))
    tokens = tokenize.generate_tokens(io.StringIO(text).readline)
    code = {
        line
        for token in tokens
        if token.type not in _NO_TOKENS
        for line in range(token.start[0], token.end[0] + 1)
    } - texts
    return len(code), len(code & heads)


def room_of(path: Path) -> str:
    """Return the folder below one of `PARTS`, or the part itself for files that lie in it."""
    part = next(part for part in PARTS if path.is_relative_to(part))
    inner = path.relative_to(part).parts
    return f"{part.rpartition('/')[2]}/{inner[0]}" if len(inner) > 1 else part.rpartition("/")[2]


@click.command()
@click.argument("frame", type=click.Path(exists=True, path_type=Path), default=FRAME)
def report(frame: Path) -> None:
    """Trace FRAME through the runtime and print the table."""
    entered = entered_by(frame)
    rooms: dict[str, list[int]] = defaultdict(lambda: [0] * 5)
    for part in PARTS:
        for path in sorted((ROOT / part).rglob("*.py")):
            name = path.relative_to(ROOT)
            code, heads = lines_of(path)
            if not code:
                continue
            row = rooms[room_of(name)]
            functions = entered.get(str(name), set())
            for place, value in enumerate((bool(functions), len(functions), 1, code, heads)):
                row[place] += value
    print(f"{'room':34} entered: files functions   in all: files  lines  imports, signatures")
    total = [sum(row[place] for row in rooms.values()) for place in range(5)]
    for room, row in [*sorted(rooms.items()), ("all", total)]:
        files, functions, of_files, code, heads = row
        print(f"{room:34} {files:14} {functions:9} {of_files:15} {code:6} {heads / code:20.0%}")


if __name__ == "__main__":
    report()
