"""Everything that the pages are to do is shown by a test."""

from rows import covered


def test_every_row_has_a_test():
    missing = [row for row, tests in covered().items() if not tests]
    assert missing == [], "mark a test with covers_row"
