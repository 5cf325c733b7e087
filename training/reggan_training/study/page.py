"""The page that raters open: one HTML file with its pictures, its style and its script inside."""

import base64
import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

_PARTS = Path(__file__).parent / "rater_page"


def html_from_page(page: Mapping[str, Any]) -> str:
    """The page as one file that loads nothing, from nowhere.

    A content security policy names the one style and the one script by their hashes and forbids
    every connection.

    Source: W3C, "Content Security Policy Level 3", section 2.3.1.
    """
    style, script = (
        (_PARTS / name).read_text(encoding="utf-8") for name in ("page.css", "page.js")
    )
    policy = (
        f"default-src 'none'; img-src data:; style-src '{_hash(style)}'; "
        f"script-src '{_hash(script)}'; base-uri 'none'; form-action 'none'"
    )
    html = (_PARTS / "page.html").read_text(encoding="utf-8")
    parts = {"POLICY": policy, "STYLE": style, "SCRIPT": script, "STUDY": _json_in_html(page)}
    for name, text in parts.items():
        before, mark, after = html.partition(f"[[{name}]]")
        assert mark, f"page.html has no place for {name}"
        html = before + text + after
    return html


def _json_in_html(page: Mapping[str, Any]) -> str:
    """JSON that cannot end the script element in which it stands."""
    text = json.dumps(page, default=_data_uri_from_jpeg, separators=(",", ":"))
    return text.replace("<", "\\u003c")


def _data_uri_from_jpeg(content: bytes) -> str:
    return "data:image/jpeg;base64," + base64.b64encode(content).decode()


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
