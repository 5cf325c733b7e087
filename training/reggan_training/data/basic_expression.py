"""Words of data sets for the seven expressions that models of contract 1 know."""

from reggan_plugin.errors import UnknownExpressionError
from reggan_plugin.vocabulary.expression_mix import EXPRESSION_NAMES, resolve_expression


def number_of_expression(word: str) -> int:
    """Return the place in `EXPRESSION_NAMES` of the expression that a word names.

    Raises:
        UnknownExpressionError: the word names nothing, or an expression beyond the seven.
    """
    name = resolve_expression(word)
    if name not in EXPRESSION_NAMES:
        raise UnknownExpressionError(
            f"{word!r} is none of {', '.join(EXPRESSION_NAMES)}.", found=word
        )
    return EXPRESSION_NAMES.index(name)
