# Every target does its own set-up on a machine that has only python3 (3.11 or later) and make.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
PYTEST := $(BIN)/python -m pytest

.PHONY: demo test torture lint benchmarks lock clean

demo: $(READY)
	$(BIN)/regime run configs/demo.yaml

test: $(READY) lint
	$(PYTEST) -n 2 --dist loadfile

# Random examples: a failing one prints the decorator that replays it.
torture: $(READY)
	REGIME_TORTURE=1 $(PYTEST) -n 2 --dist loadfile

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

benchmarks: $(READY)
	for script in benchmarks/*.py; do $(BIN)/python $$script || exit 1; done

$(READY): requirements.lock pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	touch $(READY)

# Needs `uv`; the lock holds hashes and no address.
lock:
	uv pip compile pyproject.toml --extra research --group dev --universal --python-version 3.11 \
	  --generate-hashes --no-annotate --no-header --quiet -o requirements.lock

clean:
	rm -rf $(VENV) out .mypy_cache .ruff_cache
