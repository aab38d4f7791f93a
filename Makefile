# DevMentor. `make` alone says what there is.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

VENV := .venv
BIN := $(VENV)/bin
RUNTIME := $(VENV)/.installed
DEVELOPMENT := $(VENV)/.installed-dev
NODE_MODULES := node_modules/.installed
WORKERS ?= 2
# What a file's tests share is started once; tests/conftest.py says in which order.
BY_FILE := --dist=loadscope --no-loadscope-reorder
PACKAGES := devmentor projects realtime
PYTHON_FILES := $(PACKAGES) benchmarks tests scripts manage.py
JAVASCRIPT_TESTS = $(wildcard tests/javascript/*.test.js tests/javascript/*/*.test.js)

PEERS := benchmarks/peers/node_modules/.installed

.PHONY: help run test chaos fuzz bench conformance check check-python check-javascript format lock screenshots services clean

help: ## Say what each target does
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

# Ctrl-C and SIGTERM reach the server: exec leaves no shell in between.
run: export DEBUG ?= true
run: export PYTHONUNBUFFERED := 1
run: $(RUNTIME) ## Set up, then serve the board on :3001 and the gateway on :8002 with demo data
	@exec $(BIN)/python manage.py demo

# The SQLite run closes, so that its summary is the last line: it holds all but the database tests' second pass.
test: $(DEVELOPMENT) $(NODE_MODULES) services check ## Set up, then run the checks and the whole suite
	$(BIN)/python -m pytest --numprocesses=$(WORKERS) $(BY_FILE) --on=postgresql
	@$(BIN)/python -m pytest --numprocesses=$(WORKERS) $(BY_FILE)

chaos: $(DEVELOPMENT) $(NODE_MODULES) services ## Break the service on purpose, in every way; the table: docs/guarantees.md
	@$(BIN)/python -m pytest tests/faults --chaos --chaos-page=docs/guarantees.md $(if $(SEED),--chaos-seed=$(SEED)) -p no:randomly

fuzz: $(DEVELOPMENT) $(NODE_MODULES) services ## Send more than 10,000 odd frames and requests
	@$(BIN)/python -m pytest tests/fuzz --fuzz $(if $(SEED),--hypothesis-seed=$(SEED))

bench: $(DEVELOPMENT) $(PEERS) ## Measure beside other servers, three quarters of an hour; the tables: docs/benchmarks.md
	@scripts/ensure_services.sh bench
	@$(BIN)/python -m benchmarks

conformance: $(DEVELOPMENT) ## Run Autobahn's WebSocket cases beside uvicorn's own classes; the table: docs/conformance.md
	@$(BIN)/python -m scripts.conformance

check: check-python check-javascript ## Lint, formatting, types and import rules

# mypy's Django plug-in reads the settings, and those refuse to start without secrets unless DEBUG is on.
check-python: export DEBUG := true
check-python: $(DEVELOPMENT)
	$(BIN)/ruff check $(PYTHON_FILES)
	$(BIN)/ruff format --check $(PYTHON_FILES)
	$(BIN)/mypy
	$(BIN)/lint-imports

check-javascript: $(NODE_MODULES)
	node_modules/.bin/tsc --project .
	node_modules/.bin/tsc --project tests
	node --test --test-reporter=spec $(JAVASCRIPT_TESTS)

format: $(DEVELOPMENT) ## Format the Python code and mend what the linter can
	$(BIN)/ruff format $(PYTHON_FILES)
	$(BIN)/ruff check --fix $(PYTHON_FILES)

lock: COMPILE = $(BIN)/uv pip compile --quiet --no-header --no-annotate --no-emit-index-url \
	--no-emit-find-links --generate-hashes --universal --python-version 3.11
lock: $(DEVELOPMENT) ## Pin requirements*.in and package.json anew
	$(BIN)/python -m pip install --quiet uv
	$(COMPILE) requirements.in --output-file requirements.txt
	$(COMPILE) requirements-dev.in --output-file requirements-dev.txt
	npm install --package-lock-only

screenshots: $(DEVELOPMENT) services ## Remake the README's pictures from the real page
	$(BIN)/python -m scripts.screenshots

services:
	@scripts/ensure_services.sh

clean: ## Remove what make and the tests have made; the database stays
	rm -rf $(VENV) node_modules staticfiles test-results
	rm -rf .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache
	find $(PACKAGES) tests scripts -type d -name __pycache__ -prune -exec rm -rf {} +

# A stamp is newer than what it was made from, so a second start has nothing to do.
$(RUNTIME): requirements.txt scripts/make_venv.sh
	@scripts/make_venv.sh $(VENV)
	@echo "Installing the requirements (once) ..."
	@$(BIN)/python -m pip install -qq --disable-pip-version-check --no-input --require-hashes -r requirements.txt
	@touch $@

# The development requirements hold the others, at the same versions.
$(DEVELOPMENT): requirements.txt requirements-dev.txt scripts/make_venv.sh
	@scripts/make_venv.sh $(VENV)
	@echo "Installing the development requirements (once) ..."
	@$(BIN)/python -m pip install -qq --disable-pip-version-check --no-input --require-hashes -r requirements-dev.txt
	@touch $(RUNTIME) $@

$(PEERS): benchmarks/peers/package.json benchmarks/peers/package-lock.json | services
	@npm ci --prefix benchmarks/peers --no-audit --no-fund --loglevel=error
	@touch $@

$(NODE_MODULES): package.json package-lock.json | services
	@npm ci --no-audit --no-fund --loglevel=error
	@touch $@
