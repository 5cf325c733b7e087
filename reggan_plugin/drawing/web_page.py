"""A web page in one file: its pictures, its style and its script inside."""

import base64
import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any


def html_from_parts(folder: Path, data: Mapping[str, Any], *, images_beside: bool = False) -> str:
    """`page.html` of a folder as one file that loads nothing, from nowhere.

    With `images_beside` it may load pictures from its own place.

    The page has places for `page.css`, `page.js` and `data`: [[STYLE]], [[SCRIPT]], [[DATA]], and
    [[POLICY]] for a content security policy that names the one style and the one script by their
    hashes and forbids every connection. Bytes among the data are JPEG pictures.

    Source: W3C, "Content Security Policy Level 3", section 2.3.1.
    """
    style, script = (
        (folder / name).read_text(encoding="utf-8") for name in ("page.css", "page.js")
    )
    beside = " 'self' file:" if images_beside else ""
    policy = (
        f"default-src 'none'; img-src data:{beside}; style-src '{_hash(style)}'; "
        f"script-src '{_hash(script)}'; base-uri 'none'; form-action 'none'"
    )
    html = (folder / "page.html").read_text(encoding="utf-8")
    parts = {"POLICY": policy, "STYLE": style, "SCRIPT": script, "DATA": _json_in_html(data)}
    for name, text in parts.items():
        before, mark, after = html.partition(f"[[{name}]]")
        assert mark, f"page.html has no place for {name}"
        html = before + text + after
    return html


def _json_in_html(data: Mapping[str, Any]) -> str:
    """JSON that cannot end the script element in which it stands."""
    text = json.dumps(data, default=_data_uri_from_jpeg, separators=(",", ":"))
    return text.replace("<", "\\u003c")


def _data_uri_from_jpeg(content: bytes) -> str:
    return "data:image/jpeg;base64," + base64.b64encode(content).decode()


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
