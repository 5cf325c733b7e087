"""The page that raters open."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from reggan_plugin.drawing.web_page import html_from_parts


def html_from_page(page: Mapping[str, Any]) -> str:
    """The page as one file that loads nothing, from nowhere."""
    return html_from_parts(Path(__file__).parent / "rater_page", page)
