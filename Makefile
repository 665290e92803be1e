# The two commands of the README are `make run` and `make test`; both install what they need into .venv.
PYTHON ?= python3
BIN := .venv/bin
ARGS ?=
PIP_INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check
# A file is one process's work, and files keep their order: what a directory's tests share is made once in each process.
PYTEST := $(BIN)/pytest -n auto --dist loadfile --no-loadscope-reorder
# The tests start the program a thousand times; without its bytecode each would compile it anew.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: run check test format docs lock bench corpus clean
.DELETE_ON_ERROR:

run: .venv/run.stamp
	@$(BIN)/matrix-wizard $(ARGS)

# Lint, types and the fast tests: before each commit.
check: .venv/dev.stamp
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(PYTEST) -q tests --ignore=tests/real

# Everything, the tests on real software too.
test: .venv/dev.stamp
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(PYTEST) tests

format: .venv/dev.stamp
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# The tables of docs/reference that follow from the program's own, and the README's pictures of its screens.
docs: .venv/dev.stamp
	PYTHONPATH=tests $(BIN)/python -m docs

bench: .venv/dev.stamp
	$(BIN)/python -m bench

# Random edits in all manifests below DIR, none of which is written, proved by another parser; then what check finds in
# each directory there, by rule (docs/bench.md).
corpus: .venv/dev.stamp
	$(BIN)/python -m bench.corpus $(DIR) $(ARGS)
	$(BIN)/python -m bench.alarms $(DIR)

# Anew from pyproject.toml: versions and hashes, without the address of any registry.
lock: .venv/dev.stamp
	$(PIP_INSTALL) uv
	$(BIN)/uv --quiet pip compile --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url \
		pyproject.toml requirements/build.in -o requirements/run.txt
	$(BIN)/uv --quiet pip compile --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url \
		--extra dev -c requirements/run.txt pyproject.toml requirements/build.in -o requirements/dev.txt

.venv/bin/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "matrix-wizard needs Python 3.11 or later; name one with PYTHON=…")'
	$(PYTHON) -m venv .venv

.venv/run.stamp: pyproject.toml requirements/run.txt | .venv/bin/python
	@echo "Installing matrix-wizard into .venv (once) …" >&2
	@$(PIP_INSTALL) --require-hashes -r requirements/run.txt
	@$(PIP_INSTALL) --no-deps --no-build-isolation --editable .
	@touch $@

.venv/dev.stamp: pyproject.toml requirements/dev.txt | .venv/run.stamp
	$(PIP_INSTALL) --require-hashes -r requirements/dev.txt
	@touch $@

clean:
	rm -rf .venv .pytest_cache .mypy_cache .ruff_cache dist
