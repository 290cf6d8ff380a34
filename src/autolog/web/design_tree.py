"""What a page shows of designs as a tree: as much as it has room for, what differs opened."""

from __future__ import annotations

from dataclasses import dataclass, field

from autolog.shown.trees import Branch

__all__ = ["Twig", "shown_of"]

#: Parts that one page shows, and of how many parts what is the same is opened as well.
_MOST, _SMALL = 3_000, 60


@dataclass
class Twig:
    """A part as it is shown: `same` parts within it are hidden, `left` have no room."""

    branch: Branch
    parts: list[Twig] = field(default_factory=list)
    is_open: bool = False
    same: int = 0
    left: int = 0


def shown_of(tree: Branch, *, hides_same: bool) -> Twig:
    """The tree as it is shown."""
    room = [_MOST]
    opens_all = tree.size <= _SMALL

    def shown(branch: Branch) -> Twig:
        twig = Twig(branch, is_open=opens_all or branch.differences > (not branch.is_same))
        for part in branch.parts:
            if hides_same and not part.differences:
                twig.same += part.size + 1
            elif room[0] <= 0:
                twig.left += part.size + 1
            else:
                room[0] -= 1
                twig.parts.append(shown(part))
        return twig

    return shown(tree)
