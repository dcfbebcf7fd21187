# What people type. `make help` says what there is.
VENV ?= .venv
PYTHON ?= python3
BIN = $(VENV)/bin

.PHONY: help up test lint format

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST)

format: ## put the code in order
	$(BIN)/ruff check --fix -q . ; $(BIN)/ruff format -q .

lint: ## ruff, mypy, import rules, migrations
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	CISERVICE_MODE=embedded SECRET_KEY=$$(openssl rand -base64 48) SEALING_KEY=$$(openssl rand -base64 48) $(BIN)/mypy .
	$(BIN)/lint-imports
