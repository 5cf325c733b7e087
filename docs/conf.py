"""How Sphinx builds these pages: `python -m sphinx -W --keep-going docs dist/docs`.

The pages are Markdown, so that they read the same in a repository. Links may lead to files outside
this folder; Sphinx takes a copy of each along. A link or picture that leads nowhere is an error.
"""

import re
import tomllib
from pathlib import Path

from sphinx.application import Sphinx

_PROJECT = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text(encoding="utf-8"))

project = "reggan-plugin"
author = "reggan-plugin developers"
project_copyright = author
version = release = _PROJECT["project"]["version"]

extensions = ["myst_parser"]
myst_heading_anchors = 3
nitpicky = True

html_theme = "furo"
html_title = f"{project} {version}"
html_show_sphinx = False
html_copy_source = False


def setup(app: Sphinx) -> None:
    """Links to Markdown files outside this folder become links to copies of these files."""
    app.connect("source-read", _link_files_outside)


def _link_files_outside(_app: Sphinx, _page: str, content: list[str]) -> None:
    content[0] = re.sub(r"\]\((\.\./[^)#]+\.md)(#[^)]*)?\)", r"](path:\1)", content[0])
