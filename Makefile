# Everything a user or a developer of the server runs. `make` alone lists it.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
EXTRAS := test,dev,remote

export OGCAPI_STATE_DIR ?= $(CURDIR)/.state
export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PYTHONNOUSERSITE := 1

.PHONY: help venv serve test test-services soak lint format bench docs constraints clean

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## /  make \1 · /p' $(MAKEFILE_LIST) | column -t -s '·'

venv: $(STAMP) ## makes .venv with everything that serve and test need

$(STAMP): pyproject.toml constraints.txt
	@python="$$(.ci/find-python)"; \
	if ! $(BIN)/python -c 'import sys, pip; assert sys.version_info >= (3, 12)' 2>/dev/null; then \
	    "$$python" -m venv --clear $(VENV) || { \
	        echo "$$python cannot make a virtual environment (Debian, Ubuntu: install python3-venv)" >&2; \
	        exit 1; }; \
	fi
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[$(EXTRAS)]'
	@touch $@

serve: venv ## serves the demo on http://localhost:5000
	exec $(BIN)/ogcapi serve

test: venv ## the whole embedded test suite
	$(BIN)/pytest -q -m "not services and not soak"

test-services: venv ## the tests that need real servers
	export SERVICES_DIR="$$(mktemp -d)"; \
	trap tests/services/down EXIT; \
	urls="$$(tests/services/up)"; eval "$$urls"; \
	$(BIN)/pytest -q -m services

soak: venv ## the long tests under load and faults
	$(BIN)/pytest -q -m soak

lint: venv ## format, style, types and the arrows between the folders
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: venv ## formats the code
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: venv ## measures what requests cost
	$(BIN)/python -m tests.benchmarks

docs: venv ## checks the documentation and writes the API document
	$(BIN)/pytest -q -k docs
	$(BIN)/ogcapi openapi --format yaml > docs/openapi.yaml

constraints: ## pins the newest versions that work together, from a fresh environment
	@python="$$(.ci/find-python)"; fresh="$$(mktemp -d)"; trap 'rm -rf "$$fresh"' EXIT; \
	"$$python" -m venv "$$fresh"; \
	"$$fresh/bin/python" -m pip install --quiet --editable '.[$(EXTRAS)]'; \
	"$$fresh/bin/python" -m pip freeze --exclude-editable --exclude destine-ogcapi \
	    | grep -E '^[A-Za-z0-9._-]+==' > constraints.txt

clean: ## removes what these commands made, the data in .state excepted
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
