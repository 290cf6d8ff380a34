"""Lists of tags with operators among them, as ClearML's queries take them.

`["a", "b"]`: at least one of these; `["a", "-b"]`: and not `b`. `__$all` or `__$and`: of what follows each
one; `__$any` or `__$or`: of what follows at least one; both until the next operator. `__$not`: not the next
one; among those of which one is enough, its being missing is enough, too. So `["__$all", "a", "b", "__$or",
"c", "__$not", "d", "__$and", "__$or", "e", "f"]` is `a and b and (c or not d) and (e or f)`. Source: the
docstring of `Task.get_tasks` in ClearML 2.1, whose own words for one operator differ between places.
"""

from __future__ import annotations

from collections.abc import Sequence

from autolog.errors import WhereError

from .types import clean
from .where import And, Condition, Not, Or, Tagged

__all__ = ["is_met", "tags_condition"]

_OPERATORS = {"all": "all", "and": "all", "any": "any", "or": "any", "not": "not"}


def tags_condition(words: Sequence[str]) -> Condition | None:
    """The condition that such a list is; None for an empty one. Raises WhereError."""
    if isinstance(words, str):
        words = [words]
    needed: list[Condition] = []
    #: Of each of these groups one is enough.
    groups: list[list[Condition]] = [[]]
    mode, is_negated = "", False
    for word in words:
        if not isinstance(word, str) or not word:
            raise WhereError(f"a tag is text that isn't empty, not {word!r}", repr(list(words)), 0)
        operator = _operator(word, words)
        if operator == "not":
            is_negated = True
            continue
        if operator is not None:
            mode = operator
            groups.append([])
            continue
        is_left_out = word.startswith("-") and len(word) > 1
        condition: Condition = Tagged(word[1:] if is_left_out else word)
        if is_left_out or is_negated:
            condition = Not(condition)
        # Without an operator in front, what is left out is left out whatever else there is.
        if mode == "all" or is_left_out or (is_negated and not mode):
            needed.append(condition)
        else:
            groups[-1].append(condition)
        is_negated = False
    if is_negated:
        raise WhereError("no tag follows the last __$not", repr(list(words)), 0)
    needed += [group[0] if len(group) == 1 else Or(tuple(group)) for group in groups if group]
    if not needed:
        return None
    return needed[0] if len(needed) == 1 else And(tuple(needed))


def is_met(words: Sequence[str], tags: Sequence[str]) -> bool:
    """Whether something with these tags is looked for by such a list. Raises WhereError."""
    condition = tags_condition(words)
    return condition is None or _holds(condition, frozenset(tags))


def _holds(condition: Condition, tags: frozenset[str]) -> bool:
    if isinstance(condition, Not):
        return not _holds(condition.inner, tags)
    if isinstance(condition, And):
        return all(_holds(part, tags) for part in condition.parts)
    if isinstance(condition, Or):
        return any(_holds(part, tags) for part in condition.parts)
    return isinstance(condition, Tagged) and clean(condition.tag) in tags


def _operator(word: str, words: Sequence[str]) -> str | None:
    if not word.startswith("__$"):
        return None
    found = _OPERATORS.get(word[3:])
    if found is None:
        known = ", ".join(f"__${name}" for name in _OPERATORS)
        raise WhereError(f"{word} is no operator; there are {known}", repr(list(words)), 0)
    return found
