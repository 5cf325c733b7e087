"""How Sphinx builds these pages: `python -m sphinx -W --keep-going docs dist/docs`.

The pages are Markdown, so that they read the same in a repository. Links may lead to files outside
this folder; Sphinx takes a copy of each along. A link or picture that leads nowhere is an error.
"""

import re
import tomllib
from pathlib import Path

import click
from sphinx.application import Sphinx

_PROJECT = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text(encoding="utf-8"))

project = "reggan-plugin"
author = "reggan-plugin developers"
project_copyright = author
version = release = _PROJECT["project"]["version"]

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx_click"]
myst_heading_anchors = 3
nitpicky = True
nitpick_ignore_regex = [("py:.*", ".*")]  # types of other packages have no page here
autodoc_member_order = "bysource"
autodoc_typehints_format = "short"

html_theme = "furo"
html_title = f"{project} {version}"
html_show_sphinx = False
html_copy_source = False


def setup(app: Sphinx) -> None:
    """Links to Markdown files outside this folder become links to copies of these files.

    Help texts of commands are plain text: their stars and bars mean themselves.
    """
    app.connect("source-read", _link_files_outside)
    for part in ("description", "options", "arguments", "epilog"):
        app.connect(f"sphinx-click-process-{part}", _plain_text)


def _link_files_outside(app: Sphinx, page: str, content: list[str]) -> None:
    docs = Path(app.srcdir)
    folder = (docs / page).parent

    def linked(match: re.Match[str]) -> str:
        is_inside = (folder / match[1]).resolve().is_relative_to(docs)
        return match[0] if is_inside else f"](path:{match[1]})"

    content[0] = re.sub(r"\]\((\.\./[^)#]+\.md)(#[^)]*)?\)", linked, content[0])


def _plain_text(_app: Sphinx, _context: click.Context, lines: list[str]) -> None:
    lines[:] = [re.sub(r"(?<!\\)([*|])", r"\\\1", line) for line in lines]
