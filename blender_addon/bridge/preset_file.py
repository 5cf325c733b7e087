"""Expressions of one's own, kept in the file that `--presets` reads."""

import re
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path

from .errors import BridgeError
from .expression_blend import names_are_alike
from .vocabulary import ALL_EXPRESSIONS, SHAPE_NAMES
from .whole_file import write_whole

_HEADING = re.compile(r"""\s*\[\s*(?:"([^"]*)"|'([^']*)'|([^\]"']+?))\s*(?:\.[^\]]*)?\]""")
_NAME = re.compile(r"[^\W\d_][\w \-]*")


def preset_names(path: Path) -> tuple[str, ...]:
    """Names of the expressions in a file of presets; none of one that cannot be read."""
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError):  # the job that takes the file says what is wrong
        return ()
    return tuple(name for name, entry in document.items() if isinstance(entry, dict))


def completions(typed: str, names: Sequence[str]) -> list[str]:
    """Return what a blend that is being typed may become: its last name in full, for each that
    fits.

    Args:
        typed: the blend so far.
        names: those that there are.
    """
    before, plus, last = typed.rpartition("+")
    begun = last.strip().lower()
    fitting = [name for name in names if begun in name.lower()]
    return [f"{before.strip()}{plus}{name}" for name in fitting]


def add_preset(
    path: Path, name: str, weights: Mapping[str, float], *, replaces: bool = False
) -> None:
    """Add an expression to a file of presets, which is made if it is not there.

    Args:
        path: a .toml file.
        name: of the expression.
        weights: of named expressions and face shapes, 0 to 1.5.
        replaces: a preset of that name goes.

    Raises:
        BridgeError: the name cannot be one or is taken, a weight is of a preset, or the file cannot
            be read or written.
    """
    others = [one for one in weights if one not in (*ALL_EXPRESSIONS, *SHAPE_NAMES)]
    if others:
        raise BridgeError(
            f"{others[0]} is a preset itself, of which no other can be made. Take it out of the "
            "blend, and set its face shapes."
        )
    if not _NAME.fullmatch(name):
        raise BridgeError(
            f"{name!r} cannot be a name of an expression. Use letters, digits, spaces and dashes."
        )
    try:
        text = path.read_text(encoding="utf-8-sig") if path.exists() else ""
        if replaces:
            text = _without(text, name)
        taken = (*ALL_EXPRESSIONS, *SHAPE_NAMES, *tomllib.loads(text))
        if any(names_are_alike(name, other) for other in taken):
            raise BridgeError(
                f"There is an expression {name!r} already. Choose another name, or tick "
                "Replace for one of your own."
            )
        lines = [f'["{name}"]', *(f"{_key(one)} = {weight:g}" for one, weight in weights.items())]
        added = "\n".join([*([text.rstrip(), ""] if text.strip() else []), *lines, ""])
        write_whole(path, added.encode("utf-8"))
    except (OSError, ValueError) as error:
        raise BridgeError(
            f"{path} cannot be read or written as presets: {error}. Mend it, or choose another "
            "file as Presets."
        ) from error


def _without(text: str, name: str) -> str:
    """Return a file of presets without the table of a name."""
    kept, is_own = [], False
    for line in text.splitlines(keepends=True):
        heading = _HEADING.match(line)
        if heading is not None:
            is_own = names_are_alike(heading[1] or heading[2] or heading[3], name)
        if not is_own:
            kept.append(line)
    return "".join(kept)


def _key(word: str) -> str:
    return f'"{word}"' if " " in word else word
