"""The words in a name: of a shape key, a bone, an object, a material."""

import re

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")


def words_of(name: str) -> list[str]:
    """Its words in small letters, in their order: `J_Adj_L_FaceEye` has j, adj, l, face, eye."""
    return [word.lower() for word in _WORD.findall(name)]
