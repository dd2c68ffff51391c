# The one way in: `make` lists what there is. ARGS="…" is handed on to pytest.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
MAKEFLAGS += --no-print-directory --no-builtin-rules
.DEFAULT_GOAL := help

BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
RUNTIME := .venv/.runtime-installed
DEV := .venv/.dev-installed
UV ?= uv
# Half of the tests' time is waiting for what they started.
WORKERS := $(shell echo $$(($$(getconf _NPROCESSORS_ONLN) * 3 / 2)))

.PHONY: help venv tmux demo test coverage format lint types unit torture soak bench docs lock clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## /{printf "  make %-9s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

venv: $(DEV) ## Make .venv, with orchestra editable and everything to develop it

tmux: ## Install tmux (and perl) if missing
	@.ci/need tmux perl

demo: $(RUNTIME) tmux ## Apply manifests/quickstart.yaml and show what runs
	@$(BIN)/orchestra apply manifests/quickstart.yaml
	@$(BIN)/orchestra status
	@echo
	@if [[ -n "$${TMUX:-}" ]]; then echo 'Look around: press your tmux prefix, then s'; \
	else echo 'Look inside: tmux attach    (and out again: Ctrl-b d)'; fi

test: venv ## Everything CI runs
	@for each in tmux perl zsh fish faketime; do command -v $$each >/dev/null || \
	    { echo "error: the tests need $$each: .ci/need tmux perl zsh fish faketime" >&2; exit 1; }; done
	@$(MAKE) lint types
	PYTEST_XDIST_AUTO_NUM_WORKERS=$(WORKERS) $(BIN)/python -m pytest $(ARGS)

coverage: venv ## Run the tests and see what they do not reach: a third slower, because every command is measured in its own process
	$(BIN)/python -m pytest --cov $(ARGS)

format: venv ## Rewrite the code in the one format
	$(BIN)/ruff check --fix-only --quiet .
	$(BIN)/ruff format .

lint: venv ## Check format, style, and that imports point down
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/lint-imports

types: venv ## Check the types
	$(BIN)/mypy

unit: venv ## Run the tests that need no tmux
	$(BIN)/python -m pytest tests/unit tests/golden $(ARGS)

torture: venv ## Run the long property tests on a real tmux
	HYPOTHESIS_PROFILE=torture $(BIN)/python -m pytest tests -m torture --timeout=0 $(ARGS)

soak: venv ## Keep a daemon busy for minutes and see that it does not grow (ARGS="--hours 8")
	$(BIN)/python -m benchmarks.soak $(ARGS)

bench: venv ## Run the benchmarks
	$(BIN)/python -m benchmarks
	$(BIN)/python -m benchmarks.daemon
	$(BIN)/python -m benchmarks.journal
	$(BIN)/python -m benchmarks.stream
	$(BIN)/python -m benchmarks.supervise
	$(BIN)/python -m benchmarks.limits
	$(BIN)/python -m benchmarks.triggers
	$(BIN)/python -m benchmarks.health
	$(BIN)/python -m benchmarks.snapshots
	$(BIN)/python -m benchmarks.schedules
	$(BIN)/python -m benchmarks.watch
	$(BIN)/python -m benchmarks.metrics
	$(BIN)/python -m benchmarks.hands
	$(BIN)/python -m benchmarks.collect

docs: venv ## Regenerate the generated pages of docs/
	$(BIN)/python -m tests.support.manifest_reference
	$(BIN)/python -m tests.support.cli_reference
	$(BIN)/python -m tests.support.event_schema
	$(BIN)/python -m tests.support.health_reference
	$(BIN)/python -m tests.support.picture

lock: ## Remake both locks from pyproject.toml (needs uv; ARGS=--upgrade for newer versions)
	@command -v $(UV) >/dev/null || { echo 'error: uv is missing: install it, or say make lock UV=/where/it/is' >&2; exit 1; }
	$(UV) pip compile $(LOCK) --group build --output-file .ci/requirements.txt $(ARGS)
	$(UV) pip compile $(LOCK) --group dev --constraints .ci/requirements.txt --output-file .ci/requirements-dev.txt $(ARGS)

# No index, no find-links: a lock names versions and hashes, never a host.
LOCK := pyproject.toml --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url

clean: ## Remove what the tools left behind (.venv stays)
	rm -rf build dist htmlcov .coverage .coverage.* .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	find orchestra tests benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +

# Installing: two stamps, so that the demo need not wait for the development tools. The locks are whole, so nothing is resolved (--no-deps):
# old pips take `coverage[toml]` of a lock for a wish of its own, and refuse it when a newer coverage comes out.

$(DEV): $(RUNTIME) .ci/requirements-dev.txt
	@echo 'installing the development tools' >&2
	@$(PIP) install --no-deps --require-hashes --requirement .ci/requirements-dev.txt
	@touch $@

$(RUNTIME): pyproject.toml .ci/requirements.txt | $(BIN)/pip
	@echo 'installing orchestra into .venv' >&2
	@$(PIP) install --no-deps --require-hashes --requirement .ci/requirements.txt
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

PYTHONS := $(PYTHON) python3 python3.14 python3.13 python3.12 python3.11
USABLE := import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))

$(BIN)/pip:
	@for python in $(PYTHONS); do \
	    if "$$python" -c '$(USABLE)' 2>/dev/null; then exec "$$python" -m venv .venv; fi; \
	done; \
	echo 'error: no Python >= 3.11 with venv among: $(PYTHONS)' >&2; \
	echo '  hint: on Debian apt-get install python3 python3-venv; or make venv PYTHON=/path/to/python3' >&2; \
	exit 1
