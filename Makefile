# What people type. `make help` says what there is.
SHELL := /bin/bash
.SHELLFLAGS := -o pipefail -c
VENV ?= .venv
BIN = $(VENV)/bin
PYTHON ?= $(shell for p in python3.13 python3.12 python3.11 python3; do command -v $$p >/dev/null 2>&1 && \
	$$p -c 'import sys, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
WORKERS ?= 3
MINUTES ?= 20
PIP_INSTALL = PYTHONUNBUFFERED=1 $(BIN)/python -m pip install --disable-pip-version-check --progress-bar off
# Of pip's many lines, those that tell how far it is.
SHOW = sed -u -n 's/^Collecting \([^ <>=!;~]*\).*/  \1/p; s/^Installing collected.*/  putting them in place .../p; /^Successfully/p' | cut -c -100

.PHONY: help up test test-prepare bench soak lint audit format clean

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1|\2/p' $(MAKEFILE_LIST) | while IFS='|' read -r name what; do printf '  make %-8s %s\n' "$$name" "$$what"; done

up: $(VENV)/.runs ## start everything on this machine (PORT, HOST, DATA_DIR, DOCKER=no)
	@exec $(BIN)/ciservice up

test: test-prepare ## the whole suite; installs what it needs where it may (TESTS=path, WORKERS=n)
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadgroup -q $(TESTS)

test-prepare: $(VENV)/.develops
	@$(BIN)/python -m tests.prepare

bench: test-prepare ## how fast it is, beside the raw work; writes docs/performance.md (BENCH="--quick --only NAME", "--buildbot VENV")
	$(BIN)/python -m benchmarks $(BENCH)

soak: test-prepare ## push, kill, restart and fill the disk at random for MINUTES=20 (SEED=n, SOAK="--form hosted")
	$(BIN)/python -m benchmarks.soak --minutes $(MINUTES) $(if $(SEED),--seed $(SEED)) $(SOAK)

lint: $(VENV)/.develops ## ruff, mypy, import rules, migrations
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/python -m tests.lint_environment $(BIN)/mypy .
	$(BIN)/lint-imports
	$(BIN)/python -m tests.lint_environment $(BIN)/python manage.py makemigrations --check --dry-run

audit: $(VENV)/.develops ## ask PyPI for known holes in the packages that are installed; fails where it cannot ask
	$(BIN)/pip-audit --strict --skip-editable --progress-spinner off

format: $(VENV)/.develops ## put the code in order
	$(BIN)/ruff check --fix -q .
	$(BIN)/ruff format -q .

clean: ## forget the virtual environment (var/, the data, stays)
	rm -rf $(VENV) *.egg-info .mypy_cache .ruff_cache .pytest_cache

$(VENV)/bin/python:
	@test -n "$(PYTHON)" || { echo "ciservice needs Python 3.11 or newer with venv: apt-get install python3 python3-venv" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.runs: pyproject.toml | $(VENV)/bin/python
	@echo "Installing ciservice's packages into $(VENV) ..."
	@$(PIP_INSTALL) -e . | $(SHOW)
	@touch $@

$(VENV)/.develops: pyproject.toml | $(VENV)/bin/python
	@echo "Installing ciservice's packages and its tests' into $(VENV) ..."
	@$(PIP_INSTALL) -e '.[dev]' | $(SHOW)
	@touch $@ $(VENV)/.runs
