"""The reference is what the docstrings say, and everything public has one."""

import inspect

import pytest
import reference

import autolog

pytestmark = [pytest.mark.core, pytest.mark.slow]  # signatures are written another way by other Pythons


def test_the_reference_is_up_to_date():
    assert reference.PAGE.read_text("utf-8") == reference.page(), "run: python tests/sdk/reference.py"


def test_everything_public_says_what_it_does():
    silent = []
    for name in autolog.__all__:
        found = getattr(autolog, name)
        if not (inspect.isclass(found) or callable(found)):
            continue
        silent += [name] if not inspect.getdoc(found) else []
        if inspect.isclass(found):
            for key, member in reference._members(found).items():
                if (callable(member) or isinstance(member, property)) and not inspect.getdoc(member):
                    silent.append(f"{name}.{key}")
    assert silent == []
