# `make demo` sets up and runs the main job, `make test` sets up and runs every test.
PYTHON3 ?= python3
VENV := .venv/bin
# One more than CI has processors: many tests wait for processes more than they compute.
WORKERS := 3

# Whoever has set this compiles the frameworks again in each of a thousand processes: twice the time.
unexport PYTHONDONTWRITEBYTECODE

CORE := 3.10 3.13
comma := ,
space := $(subst ,, )

.PHONY: demo test environments lint core pythons tests apart older suites clearml-examples faults bench env clean help

help:
	@echo "make demo    train three small models and show what was captured"
	@echo "make test    linters and every test; those that need no framework on the oldest and the newest Python, too"
	@echo "make pythons the latter on every supported Python"
	@echo "make lint    ruff, mypy --strict, the import rules"
	@echo "make older   what is captured with older releases of the frameworks"
	@echo "make suites  the frameworks' own tests of saving and loading, all of them, with capture off and on"
	@echo "make clearml-examples CLEARML=FOLDER   ClearML's examples, of a checkout, with another import"
	@echo "make faults  the long fault loops: kill -9 at hundreds of moments, large files, many writers"
	@echo "make screenshots   pictures of every web page, light and dark, wide and narrow, in screenshots/"
	@echo "make bench   cost on the training thread and of keeping every version, beside the peers"

env:
	@$(PYTHON3) tests/environments.py main

demo: env
	@PYTHON="$(CURDIR)/$(VENV)/python" AUTOLOG="$(CURDIR)/$(VENV)/autolog" bash examples/digits/demo.sh demo-output

test: environments lint core tests apart

environments:
	@$(PYTHON3) tests/environments.py test $(subst $(space),$(comma),$(CORE))

lint: env
	$(VENV)/ruff check src tests benchmarks examples
	$(VENV)/ruff format --check src tests benchmarks examples
	$(VENV)/mypy
	$(VENV)/lint-imports

# The tests that need no framework, on the oldest and the newest Python that is supported; not the long ones.
# `make pythons` runs those between, too; 3.11 runs everything.
core: env
	@$(PYTHON3) tests/environments.py pythons
	@$(PYTHON3) tests/environments.py core $(subst $(space),$(comma),$(CORE))
	@for version in $(CORE); do \
	  python=.venvs/core-$$version/bin/python; \
	  [ -x "$$python" ] || continue; \
	  echo "== core tests: $$($$python --version)"; \
	  $$python -m pytest -q -n $(WORKERS) -m "core and not slow" --ignore tests/browser tests || exit 1; \
	done

pythons:
	@$(MAKE) core CORE="3.10 3.12 3.13"

tests: env
	@echo "== all tests: $$($(VENV)/python --version)"
	$(VENV)/python -m pytest -q -n $(WORKERS) --dist loadgroup tests

# MegEngine, which can't be installed beside the others.
apart:
	@$(PYTHON3) tests/environments.py apart megengine

# What the scripts capture with releases of early 2025. It brings 8 GB, so it isn't part of `make test`.
older:
	@$(PYTHON3) tests/environments.py apart older

# `make test` runs those that take minutes in part.
suites: env
	AUTOLOG_TEST_LONG=1 $(VENV)/python -m pytest -q -n 2 --dist loadgroup tests/hooks/test_own_suites.py
	AUTOLOG_TEST_LONG=1 $(VENV)/python -m pytest -q -n 2 --dist loadgroup tests/contract -k "does_the_same or order_of_install"

# ClearML's own examples with only their import lines changed; their text isn't ours to bring along.
clearml-examples: env
	$(VENV)/python tests/sdk/published_examples.py $(CLEARML)

faults: env
	$(VENV)/python tests/faults/kill.py --rounds 25
	$(VENV)/python tests/faults/kill_keeping.py --rounds 200
	AUTOLOG_TEST_MEGABYTES=200 $(VENV)/python -m pytest -q tests/keeping/test_sizes.py
	AUTOLOG_TEST_ROUNDS=50 $(VENV)/python -m pytest -q tests/store/test_many_writers.py
	AUTOLOG_TEST_ROUNDS=50 $(VENV)/python -m pytest -q tests/faults/test_many.py
	AUTOLOG_TEST_AWAY_SECONDS=60 $(VENV)/python -m pytest -q tests/agent/test_bucket_away.py

bench: env
	@bash benchmarks/setup.sh
	@.venvs/peers/bin/python -m benchmarks.run

screenshots: env
	$(VENV)/python tests/browser/screenshots.py screenshots

clean:
	rm -rf .venv .venvs demo-output screenshots
