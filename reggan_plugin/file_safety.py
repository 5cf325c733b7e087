"""Files on the disk: read if they are ordinary, written whole or not at all, never over an input.

Files of ours appear under their names at once and complete.
"""

import codecs
import errno
import hashlib
import os
import stat
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from reggan_plugin.errors import OutputError, OutputExistsError, UsageError


def is_regular(path: Path) -> bool:
    """Tell whether it is an ordinary file, and no device, pipe or folder, after all links.

    Raises:
        OSError: there is none.
    """
    return stat.S_ISREG(path.stat().st_mode)


def status_of(path: Path) -> os.stat_result:
    """Size and times of a file; of a frame in a video, those of the video.

    Raises:
        OSError: there is none.
    """
    return (path.parent if path.parent.is_file() else path).stat()


def read_regular(path: Path, most_bytes: int, *, first_bytes: int | None = None) -> bytes:
    """Return the content of an ordinary file, or so many bytes from its beginning.

    Devices and pipes are refused before they are opened: some have no end, others never answer.

    Args:
        path: the file.
        most_bytes: a file that holds more is refused.
        first_bytes: how much of it to read; None is all.

    Raises:
        OSError: it cannot be read, is no ordinary file or too large; `strerror` says which.
    """
    if not is_regular(path):
        raise OSError(errno.EINVAL, "it is no ordinary file", str(path))
    size = path.stat().st_size
    if size > most_bytes:
        raise OSError(errno.EFBIG, f"it has {size:,} bytes, of at most {most_bytes:,}", str(path))
    with path.open("rb") as file:
        return file.read() if first_bytes is None else file.read(min(size, first_bytes))


def read_text(path: Path, most_bytes: int) -> str:
    """Return the text in an ordinary file of UTF-8, with or without a byte order mark.

    Raises:
        OSError: as `read_regular`.
        ValueError: it is no text in UTF-8.
    """
    content = read_regular(path, most_bytes)
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        is_other = content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
        found = (
            "text in UTF-16" if is_other else f"no text in UTF-8 from byte {error.start + 1:,} on"
        )
        raise ValueError(f"it is {found}; expected UTF-8") from error


TEMPORARY_SUFFIX = ".reggan-tmp"
_PREFIX_LENGTH = 13

_REMEDIES = {
    errno.ENOENT: "Create the folder, or name another output.",
    errno.ENOSPC: "Free some space, or name an output on another disk.",
    errno.EDQUOT: "Free some space, or name an output on another disk.",
    errno.EROFS: "Name an output on a disk that is not read-only.",
    errno.EACCES: "Give yourself the right to write there, or name another output.",
    errno.EPERM: "Give yourself the right to write there, or name another output.",
}


@contextmanager
def appearing(path: Path, *, is_new: bool = False, is_durable: bool = True) -> Iterator[Path]:
    """Give a temporary name in the same folder; what the block writes there then becomes `path`.

    After a failure the temporary file is gone and what was at `path` before is still there.

    Args:
        path: the file.
        is_new: whether nothing may be replaced: another program may have written there meanwhile.
        is_durable: whether its bytes are on the disk before it takes its name, so that a power cut
            leaves no empty file under it either.

    Raises:
        OutputExistsError: it is to be new, and is there.
        OutputError: the folder is missing, read-only or full, or `path` is a folder or a device.
    """
    with suppress(OSError):  # nothing is there, or writing says what is wrong
        mode = path.lstat().st_mode
        if not (stat.S_ISREG(mode) or stat.S_ISLNK(mode) or stat.S_ISDIR(mode)):
            raise OutputError(
                f"{path} is a device, a pipe or a socket, which a file would replace. Name a file."
            )
    temporary = path.with_name(_prefix_for(path.name) + os.urandom(6).hex() + TEMPORARY_SUFFIX)
    try:
        try:
            yield temporary
            if is_durable:
                with temporary.open("rb+") as file:
                    os.fsync(file.fileno())
            if is_new:
                take_new_name(temporary, path)
            else:
                temporary.replace(path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
    except OSError as error:
        remedy = _REMEDIES.get(error.errno or 0, "Name another output.")
        raise OutputError(f"{path} cannot be written: {error.strerror}. {remedy}") from error


def write_atomically(
    path: Path,
    content: bytes | Iterable[bytes],
    modified_ns: int | None = None,
    *,
    is_new: bool = False,
) -> None:
    """Make `path` a file with this content, or these pieces of it, replacing what was there.

    Args:
        path: the file.
        content: what is to be in it.
        modified_ns: when it is to say that it was changed, as far as its disk can hold that.
        is_new: as of `appearing`, whose errors these are.
    """
    with appearing(path, is_new=is_new) as temporary:
        with temporary.open("wb") as file:
            file.writelines([content] if isinstance(content, bytes) else content)
        if modified_ns is not None:
            with suppress(OSError):  # some network folders keep their own time
                os.utime(temporary, ns=(modified_ns, modified_ns))


def take_new_name(temporary: Path, path: Path) -> None:
    """Rename a file to a name that nothing has; at once, where the disk can do that.

    Raises:
        OutputExistsError: something has it.
    """
    try:
        path.hardlink_to(temporary)
    except OSError:  # it is there, or the disk has no second names
        if is_taken(path):
            raise OutputExistsError(
                f"{found_at(path)}. Nothing was there when this began, so something else writes "
                "there, too."
            ) from None
        temporary.replace(path)
    else:
        temporary.unlink()


def remove_leftovers(folder: Path, names: Iterable[str]) -> None:
    """Delete what killed processes left of files with these names; other names may be in work."""
    prefixes = {_prefix_for(name) for name in names}
    with os.scandir(folder) as entries:
        temporary = [entry.name for entry in entries if entry.name.endswith(TEMPORARY_SUFFIX)]
    for name in temporary:
        if name[:_PREFIX_LENGTH] in prefixes:
            with suppress(OSError):  # on Windows, what another process holds open
                (folder / name).unlink()


def _prefix_for(name: str) -> str:
    """Return the same for every temporary file of a name, however long that is."""
    digest = hashlib.sha256(name.encode("utf-8", "surrogateescape")).hexdigest()
    return f".{digest}"[:_PREFIX_LENGTH]


FileIdentity = tuple[int, int] | str
"""Device and inode; the resolved path on file systems that have no inodes."""


def identity_of(path: Path) -> FileIdentity | None:
    """Return the same for every name and link of a file; None if there is none.

    A frame in a video is the video.
    """
    try:
        status = status_of(path)
    except OSError:
        return None
    return (status.st_dev, status.st_ino) if status.st_ino else os.path.realpath(path)


_STANDARD_INPUT, _STANDARD_OUTPUT = 0, 1


def _identity_of_stream(number: int) -> FileIdentity | None:
    """Return the identity of the ordinary file that a standard stream was redirected to."""
    try:
        status = os.fstat(number)
    except OSError:  # it is closed
        return None
    is_known = stat.S_ISREG(status.st_mode) and status.st_ino
    return (status.st_dev, status.st_ino) if is_known else None


def refuse_overwriting(outputs: Iterable[Path], inputs: Iterable[Path]) -> None:
    """Refuse an output that is another output, one of the inputs, or what standard input reads.

    The file that standard output is sent on to is an output, whatever is printed there. Inputs are
    looked up only where outputs exist, so that a new folder costs nothing.

    Args:
        outputs: all files that are to be written.
        inputs: files that are read.

    Raises:
        UsageError: an output is an input, by its own name or through a link; two have one name; or
            as `refuse_way_up`.
    """
    outputs = tuple(outputs)
    for folder in {path.parent for path in outputs}:
        refuse_way_up(folder)
    twice = named_twice(outputs)
    if twice is not None:
        raise UsageError(f"Two outputs would both be {twice}. Give one of them another name.")
    there: dict[FileIdentity, str] = {
        identity: str(path) for path in outputs if (identity := identity_of(path)) is not None
    }
    sent_on = _identity_of_stream(_STANDARD_OUTPUT)
    if sent_on is not None:
        if sent_on in there:
            raise UsageError(
                f"Standard output is sent to {there[sent_on]}, which is an output, too. Send it to "
                "another file."
            )
        there[sent_on] = "Standard output"
    read = ((str(path), identity_of(path)) for path in inputs) if there else ()
    for name, identity in (("standard input", _identity_of_stream(_STANDARD_INPUT)), *read):
        if identity is not None and identity in there:
            output = there[identity]
            also = "" if output == name else f" (as {name})"
            raise UsageError(
                f"{output} is an input{also}, which is never overwritten. Name another output."
            )


def named_twice(outputs: Iterable[Path]) -> Path | None:
    """Return the first output that another one before it would be; links to folders count as
    these.
    """
    folders: dict[str, str] = {}
    seen = set()
    for path in outputs:
        text = str(path)
        _, _, name = text.rpartition(os.sep)  # `Path.parent` takes seconds for 100,000 files
        folder = text[: len(text) - len(name)]
        if folder not in folders:
            folders[folder] = os.path.realpath(folder)
        place = folders[folder], os.path.normcase(name)
        if place in seen:
            return path
        seen.add(place)
    return None


def refuse_way_up(folder: Path) -> None:
    """Refuse a path that goes up from a folder which is still to be made.

    Where it leads cannot be told before, and so not whether inputs are there.

    Raises:
        UsageError: it does.
    """
    ups = [place for place, part in enumerate(folder.parts) if part == os.pardir]
    below = (Path(*folder.parts[:place]) for place in ups)
    missing = next((path for path in below if not path.exists()), None)
    if missing is not None:
        raise UsageError(
            f"{folder} goes up from {missing}, and nothing is there. Write the path without `..`, "
            "or create that folder."
        )


def path_from(folder: Path, path: Path) -> str:
    """Return the path of a file as seen from a folder, with `/`; whole if on another drive."""
    whole = path.parent.resolve() / path.name
    try:
        return Path(os.path.relpath(whole, folder.resolve())).as_posix()
    except ValueError:
        return whole.as_posix()


def refuse_other_kind(output: Path, *suffixes: str) -> None:
    """Refuse an output whose name ends as that of another kind of file.

    Raises:
        UsageError: it ends in none of these suffixes.
    """
    if output.suffix.lower() not in suffixes:
        raise UsageError(
            f"{output} is the name of another kind of file. Let it end in {' or '.join(suffixes)}."
        )


def refuse_existing(outputs: Iterable[Path], *, overwrite: bool) -> None:
    """Refuse an output that is there, unless it may be replaced.

    Raises:
        OutputExistsError: it is, and may not.
    """
    there = None if overwrite else next((path for path in outputs if is_taken(path)), None)
    if there is not None:
        raise OutputExistsError(f"{found_at(there)}.")


def is_taken(path: Path) -> bool:
    """Tell whether something has this name, a link that leads nowhere too."""
    return os.path.lexists(path)


def found_at(path: Path) -> str:
    """Say what has this name: `a.png exists`."""
    return f"{path} exists" if identity_of(path) else f"{path} is a link that leads nowhere"
