"""Which packages an installation of this project has, and under which licences.

    python tests/licences.py [EXTRA...]   lists them, and fails over one that is not allowed

Licences are what pip-licenses reads from the installed packages.
"""

import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
EXTRAS = (
    "c2pa",
    "export",
    "farm",
    "metrics",
    "ocio",
    "textures",
    "train",
    "ui",
    "usd",
    "verify",
    "video",
)
"""Those whose packages [dev] installs; the others come from NVIDIA and Blender on their terms."""
IN_ZIPS = ("textures",)
"""Whose packages travel in the Blender zips, with those that everything needs."""

ALLOWED = {
    *("0BSD", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "BSL-1.0", "CC0-1.0", "ISC", "MIT"),
    *("MIT-0", "MIT-CMU", "MPL-2.0", "PSF-2.0", "Unlicense", "Zlib"),
    *("BSD-3-Clause-Open-MPI", "LLVM-exception", "libpng-2.0", "FTL", "IJG", "libtiff"),
    "LicenseRef-TOST-1.0",  # Pixar's for OpenUSD: Apache-2.0 with another clause on trademarks
}
"""SPDX names. MPL-2.0 binds changed files alone, and none is changed here."""
_SPOKEN = {
    "3-clause bsd license": "BSD-3-Clause",
    "apache 2.0": "Apache-2.0",
    "apache software license": "Apache-2.0",
    "bsd": "BSD-3-Clause",
    "bsd license": "BSD-3-Clause",
    "mit license": "MIT",
    "mozilla public license 2.0 (mpl 2.0)": "MPL-2.0",
    "the unlicense (unlicense)": "Unlicense",
}
"""What packages write in place of an SPDX name."""
READ_BY_HAND = {
    "embreex": "BSD-2-Clause",  # its licence field holds the text
    "opencolorio": "BSD-3-Clause",  # holds a copyright line
    "openexr": "BSD-3-Clause",  # says nothing; LICENSE.md does
    "sigstore-models": "Apache-2.0",  # says nothing; its LICENSE does
}


def closure(extras: Iterable[str] = ()) -> set[str]:
    """The packages that the project needs here with these extras, and what those need."""
    declared = [*PROJECT["dependencies"]]
    own = PROJECT["optional-dependencies"]
    waiting_extras, known_extras = list(extras), set[str]()
    while waiting_extras:
        extra = waiting_extras.pop()
        known_extras.add(extra)
        for text in own[extra]:
            requirement = Requirement(text)
            if requirement.name == PROJECT["name"]:
                waiting_extras += requirement.extras - known_extras
            else:
                declared.append(text)
    waiting = [(Requirement(text), "") for text in declared]
    found: set[str] = set()
    seen: set[tuple[str, str]] = set()
    while waiting:
        requirement, extra = waiting.pop()
        if requirement.marker is not None and not requirement.marker.evaluate({"extra": extra}):
            continue
        name = canonicalize_name(requirement.name)
        found.add(name)
        for wanted in {"", *requirement.extras} - {one for key, one in seen if key == name}:
            seen.add((name, wanted))
            waiting += [(Requirement(text), wanted) for text in metadata.requires(name) or []]
    return found


def licences() -> Mapping[str, str]:
    """Every installed package and its licence, as an SPDX expression where that can be told."""
    command = [sys.executable, "-m", "piplicenses", "--format=json", "--from=all", "--with-system"]
    listed = json.loads(subprocess.check_output(command, text=True))
    return {canonicalize_name(one["Name"]): _expression(one) for one in listed}


def refused(expression: str) -> set[str]:
    """The parts of an expression that are not allowed; of alternatives, one is enough."""
    alternatives = re.split(r"\s+OR\s+", expression.replace("(", " ").replace(")", " "))
    faults = [
        {part for part in re.split(r"\s+(?:AND|WITH)\s+|;\s*", one.strip()) if part not in ALLOWED}
        for one in alternatives
    ]
    return min(faults, key=len)


def _expression(listed: Mapping[str, str]) -> str:
    name = canonicalize_name(listed["Name"])
    if name in READ_BY_HAND:
        return READ_BY_HAND[name]
    fields = ("License-Expression", "License-Classifier", "License-Metadata")
    said = [listed[field].strip() for field in fields if listed[field].strip() != "UNKNOWN"]
    short = [text for text in said if "\n" not in text] or ["UNKNOWN"]
    return _SPOKEN.get(short[0].lower(), short[0])


def main(extras: Sequence[str]) -> int:
    """Print the packages with their licences; 1 if one is not allowed."""
    known, status = licences(), 0
    for name in sorted(closure(extras)):
        faults = refused(known[name])
        status |= bool(faults)
        print(f"{name}: {known[name]}{'  NOT ALLOWED' if faults else ''}")
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:] or EXTRAS))
