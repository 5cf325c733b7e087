"""Every package that comes with an installation is allowed, and named in the notices."""

import json
import re
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest
from packaging.utils import canonicalize_name

from . import licences

NOTICES = (licences.ROOT / "THIRD_PARTY_NOTICES.md").read_text(encoding="utf-8")
NAMED = {canonicalize_name(word) for word in re.findall(r"[\w.-]*\w", NOTICES)}


def test_every_licence_is_on_the_allow_list() -> None:
    known = licences.licences()
    faults = {
        name: known[name]
        for name in licences.closure(licences.EXTRAS)
        if licences.refused(known[name])
    }
    assert not faults, "read these licences, then allow them in tests/licences.py, or do without"


@pytest.mark.parametrize(
    ("expression", "is_refused"),
    [
        ("MIT", False),
        ("Apache-2.0 OR GPL-3.0-only", False),
        ("Apache-2.0 AND GPL-3.0-only", True),
        ("GPL-3.0-or-later", True),
        ("UNKNOWN", True),
    ],
)
def test_what_is_not_listed_is_refused(expression: str, is_refused: bool) -> None:
    assert bool(licences.refused(expression)) is is_refused


def test_the_notices_name_every_package() -> None:
    missing = licences.closure(licences.EXTRAS) - NAMED
    assert not missing, "add them to THIRD_PARTY_NOTICES.md"


def test_the_zips_packages_stand_in_their_own_table() -> None:
    start = NOTICES.index("## In the Blender zips")
    in_zips = NOTICES[start : NOTICES.index("## Installed by extras")]
    named = {canonicalize_name(word) for word in re.findall(r"[\w.-]*\w", in_zips)}
    assert licences.closure(licences.IN_ZIPS) - named == set()


def test_the_notices_name_every_library_inside_the_wheels() -> None:
    words = {word.lower() for word in re.findall(r"[\w-]+", NOTICES)}
    missing = set()
    for package in licences.closure(licences.IN_ZIPS) - {"numpy"}:  # which the zips leave out
        for file in metadata.files(package) or []:
            found = re.match(r"lib(.+?)-[0-9a-f]{8}\.", Path(file).name)
            if found is not None:
                stem = re.sub(r"(?<=[a-z])\d+$", "", found[1].lower())
                if not {found[1].lower(), stem, f"lib{stem}"} & words:
                    missing.add(f"{package}: {Path(file).name}")
    assert not missing


def test_the_bill_of_materials_names_what_is_installed(tmp_path: Path) -> None:
    """As the release workflow makes it."""
    bill = tmp_path / "sbom.cdx.json"
    command = [sys.executable, "-m", "cyclonedx_py", "environment", sys.executable]
    project = str(licences.ROOT / "pyproject.toml")
    options = ["--pyproject", project, "--output-reproducible", "--no-validate"]
    subprocess.run([*command, *options, "-o", str(bill)], check=True, capture_output=True)
    document = json.loads(bill.read_text(encoding="utf-8"))
    assert document["bomFormat"] == "CycloneDX"
    assert document["metadata"]["component"]["name"] == licences.PROJECT["name"]
    versions = {canonicalize_name(one["name"]): one["version"] for one in document["components"]}
    needed = licences.closure(licences.EXTRAS)
    assert needed - set(versions) == set()
    assert versions["onnxruntime"] == metadata.version("onnxruntime")
