"""Shell-style patterns that come with requests: matched in linear time, and nothing of them is kept.

fnmatch compiles a pattern to a regular expression and keeps 32,768 of them, which is for patterns of the program's own.
"""

from __future__ import annotations

MAX_PATTERN_CHARACTERS = 500
"""Topic names have at most 249 characters: twice that is room for a `*` between any two of them."""


class NamePattern:
    """A pattern in which `*` stands for any characters and `?` for any single one; case does not count.

    Matched as an automaton whose states are the bits of a number: bit n is set while the first n characters of the
    pattern have matched. A name costs the same few operations for each of its characters, whatever the pattern.

    Args:
        pattern: of at most MAX_PATTERN_CHARACTERS, by the caller's word.
    """

    def __init__(self, pattern: str) -> None:
        single, loops = 0, 0
        characters: dict[str, int] = {}
        length = 0
        for character in pattern.lower():
            if character == "*":
                loops |= 1 << length
                continue
            if character == "?":
                single |= 1 << length
            else:
                characters[character] = characters.get(character, 0) | 1 << length
            length += 1
        self._accepts = {character: bits | single for character, bits in characters.items()}
        self._single = single
        self._loops = loops
        self._end = 1 << length

    def matches(self, name: str) -> bool:
        """Whether all of a name matches."""
        state = 1
        for character in name.lower():
            state = (state & self._accepts.get(character, self._single)) << 1 | (state & self._loops)
            if not state:
                return False
        return bool(state & self._end)
