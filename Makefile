# Everything a developer types. `make` alone lists the targets.
.DEFAULT_GOAL := help
SHELL := /bin/bash

VENV ?= .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
UV_INSTALL := $(BIN)/uv pip install --quiet --python $(BIN)/python --constraints constraints.txt --build-constraints constraints.txt

# The first Python that is new enough; PYTHON=... takes another one.
find_python = for p in $(PYTHON) python3 python3.13 python3.12 python3.11; do \
	"$$p" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo "$$p"; exit 0; }; \
	done; echo "execmeta needs Python 3.11 or newer with its venv module (Debian: apt-get install python3-venv)." >&2; exit 1

# Options for pytest: make test ARGS='-k spool -x'
ARGS ?=
# The project whose tests `make demo` records, as the package index names it.
DEMO_PROJECT ?= click

.PHONY: help venv demo test bench lint format docs build constraints clean

help: ## list the targets
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## (.*)/make \1\t\2/' | expand -t 18

venv: $(READY) ## make .venv with execmeta (editable) and every tool, at the versions of constraints.txt

$(READY): pyproject.toml constraints.txt
	@if [ ! -x $(BIN)/python ]; then python=$$($(find_python)) && "$$python" -m venv $(VENV); fi
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt uv
	@$(UV_INSTALL) --editable '.[pytest]' --group dev
	@touch $@

demo: $(READY) ## record the tests of a real project, then list, search and edit them
	@DEMO_PROJECT='$(DEMO_PROJECT)' $(BIN)/python examples/demo.py

test: $(READY) ## run all tests
	$(BIN)/python -m pytest $(ARGS)

bench: $(READY) ## measure speed; not part of `make test`
	$(BIN)/python -m pytest tests/benchmarks -m benchmark --timeout 0 -s $(ARGS)

lint: $(READY) ## style, types and floors
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

format: $(READY) ## let ruff rewrite what it can
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: $(READY) ## write the reference pages in docs/ from the code
	$(BIN)/python docs/generate.py

build: $(READY) ## make wheel and sdist in dist/
	$(BIN)/python -m build --no-isolation --outdir dist .

# Names and versions only: where they are fetched from is the business of whoever installs.
constraints: ## renew constraints.txt with the newest versions that pyproject.toml allows
	@set -e; fresh=$$(mktemp -d); trap 'rm -rf "$$fresh"' EXIT; \
	python=$$($(find_python)); "$$python" -m venv "$$fresh"; \
	"$$fresh/bin/python" -m pip install --quiet --disable-pip-version-check uv; \
	"$$fresh/bin/uv" pip install --quiet --python "$$fresh/bin/python" --editable '.[pytest]' --group dev; \
	"$$fresh/bin/uv" pip freeze --python "$$fresh/bin/python" --exclude-editable \
		| grep -vE '^(pip|setuptools)==' | LC_ALL=C sort > constraints.txt; \
	wc -l < constraints.txt

clean: ## remove what was made, .venv and .demo included
	rm -rf $(VENV) .demo dist .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
