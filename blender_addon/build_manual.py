"""The page of docs/blender.md as one HTML file for the zip, so that Help needs no network.

It knows the Markdown that the page has: headings, paragraphs, lists, fenced code, pictures, links,
bold, italic and code. Links to other pages become plain words, as those are not in the zip.
"""

import html
import re

_STYLE = """
body { font: 16px/1.6 sans-serif; max-width: 46em; margin: 2em auto; padding: 0 1em;
       color: #222; background: #fff }
img { max-width: 100% } pre, code { background: #f2f2f2 } pre { padding: 0.8em; overflow: auto }
@media (prefers-color-scheme: dark) {
  body { color: #ddd; background: #1d1d1d } pre, code { background: #2c2c2c }
  a { color: #8ab4f8 }
}
"""
_PICTURES = "../blender_addon/"
"""Where the page finds its pictures; in the zip they lie beside it."""


def manual_from_markdown(text: str) -> str:
    """Return a whole page of HTML."""
    body = "\n".join(_block(block) for block in _blocks(text))
    title = re.search(r"^# (.+)", text, re.MULTILINE)
    return (
        '<!doctype html>\n<html lang="en">\n<meta charset="utf-8">\n'
        f"<title>{html.escape(title[1] if title else 'Manual')}</title>\n"
        f"<style>{_STYLE}</style>\n{body}\n</html>\n"
    )


def anchor(heading: str) -> str:
    """Return the name by which links of the page call a heading."""
    return re.sub(r"[^\w-]+", "-", heading.lower()).strip("-")


def _blocks(text: str) -> list[str]:
    """Return what stands between empty lines; code keeps its own."""
    parts = re.split(r"(^```.*?^```$)", text, flags=re.MULTILINE | re.DOTALL)
    return [
        block.strip("\n")
        for part in parts
        for block in ([part] if part.startswith("```") else re.split(r"\n\s*\n", part))
        if block.strip()
    ]


def _block(block: str) -> str:
    if block.startswith("```"):
        return f"<pre>{html.escape(block.split(chr(10), 1)[1].removesuffix('```'))}</pre>"
    if heading := re.fullmatch(r"(#+) (.+)", block):
        level = len(heading[1])
        return f'<h{level} id="{anchor(heading[2])}">{_inline(heading[2])}</h{level}>'
    for mark, tag in ((r"- ", "ul"), (r"\d+\. ", "ol")):
        if re.match(mark, block):
            items = re.split(rf"(?:^|\n){mark}", block)[1:]
            lines = "".join(f"<li>{_inline(' '.join(item.split()))}</li>\n" for item in items)
            return f"<{tag}>\n{lines}</{tag}>"
    return f"<p>{_inline(' '.join(block.split()))}</p>"


def _inline(text: str) -> str:
    codes: list[str] = []

    def keep(match: re.Match[str]) -> str:
        codes.append(f"<code>{html.escape(match[1])}</code>")
        return f"\0{len(codes) - 1}\0"

    text = html.escape(re.sub(r"`([^`]+)`", keep, text), quote=False)
    text = re.sub(r"\*\*(.+?)\*\*", r"<b>\1</b>", text)
    text = re.sub(r"!\[(.*?)\]\((.*?)\)", _picture, text)
    text = re.sub(r"(?<![\w*])\*([^*]+)\*", r"<i>\1</i>", text)
    text = re.sub(r"\[(.*?)\]\((.*?)\)", _link, text)
    return re.sub(r"\0(\d+)\0", lambda match: codes[int(match[1])], text)


def _picture(match: re.Match[str]) -> str:
    said = html.escape(match[1].replace("*", ""))
    return f'<img src="{match[2].removeprefix(_PICTURES)}" alt="{said}">'


def _link(match: re.Match[str]) -> str:
    return f'<a href="{match[2]}">{match[1]}</a>' if match[2].startswith("#") else match[1]
