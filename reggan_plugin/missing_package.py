"""Names the extra to install when a package is missing that a plain installation leaves out."""

from collections.abc import Iterator
from contextlib import contextmanager

from reggan_plugin.errors import MissingExtraError


@contextmanager
def needs_extra(what: str, extra: str) -> Iterator[None]:
    """Import optional packages within this context.

    Args:
        what: beginning of the sentence "... needs <package>, which is not installed".
        extra: that installs them.

    Raises:
        MissingExtraError: one of them is not installed, or does not load.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        raise MissingExtraError(
            f"{what} needs {error.name}, which is not installed. Install it: pip install "
            f'"reggan-plugin[{extra}]"'
        ) from error
    except ImportError as error:  # a library of the system that it needs, say
        raise MissingExtraError(
            f"{what} needs a package that is installed and does not load: {error}. Install it "
            f'anew: pip install --force-reinstall "reggan-plugin[{extra}]"'
        ) from error
