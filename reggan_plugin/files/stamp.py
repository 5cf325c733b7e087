"""A line of text added to an encoded file's metadata; everything else keeps its bytes."""

from reggan_plugin.files.formats import format_of


def stamped(content: bytes, text: str) -> bytes:
    """Return the file with a stamp, in place of an older one.

    Args:
        content: a file of one of the formats.
        text: ASCII without NUL.
    """
    found = format_of(content)
    assert found is not None, "only files that were read are written"
    return found.stamp(content, text)
