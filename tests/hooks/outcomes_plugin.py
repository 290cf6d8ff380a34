"""A pytest plugin: notes how every test ended, and with OUTCOMES_CAPTURE=1 captures while they run."""

import json
import os
import re

outcomes = {}


def pytest_configure():
    if os.environ["OUTCOMES_CAPTURE"] == "1":
        import autolog

        autolog.init(project="own tests")


def pytest_runtest_logreport(report):
    # skops names some of its tests by arrays of random numbers.
    name = re.sub(r"array\([^)]*\)", "array", report.nodeid)
    outcomes.setdefault(name, []).append((report.when, report.outcome))


def pytest_sessionfinish():
    with open(os.environ["OUTCOMES_FILE"], "w", encoding="utf-8") as file:
        json.dump(outcomes, file)
