"""Reads what `study make` wrote."""

import json
import re
from pathlib import Path
from typing import Any


def page_of(study: Path) -> dict[str, Any]:
    html = (study / "raters" / "index.html").read_text(encoding="utf-8")
    found = re.search(r'<script type="application/json" id="study">(.*?)</script>', html)
    assert found
    return dict(json.loads(found[1]))


def key_of(study: Path) -> dict[str, Any]:
    return dict(json.loads((study / "key.json").read_text(encoding="utf-8")))
