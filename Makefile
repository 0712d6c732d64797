# Waybill's commands. `make` alone lists them.

PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null && echo $$p && break; done)
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
AZURITE := localazure/azurite/node_modules/.package-lock.json
SOURCES := function_app.py triggers orchestrators activities domain adapters sandbox bench tests localazure/src localazure/tests
SIDE_BY_SIDE := --numprocesses auto --maxprocesses 4  # each worker starts local services of its own

.DEFAULT_GOAL := help
.PHONY: help run services demo test chaos worker check format bench lock reset

help: ## list these commands
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-9s %s\n", $$1, $$2}'

run: $(INSTALLED) $(AZURITE) ## run the whole system on this machine; Ctrl-C stops it, state is kept
	@$(BIN)/localazure start --app .

services: $(INSTALLED) $(AZURITE) ## run everything but the Functions host, for `func start`
	@$(BIN)/localazure start --app . --services-only

demo: $(INSTALLED) $(AZURITE) ## play nineteen stories of orders and users and print each timeline
	@$(BIN)/python -m sandbox.demo

test: $(INSTALLED) $(AZURITE) worker ## run every test there is: unit, conformance, integration, end to end
	@$(BIN)/python -m pytest $(SIDE_BY_SIDE) --dist loadfile --cov --cov-report=

worker: $(INSTALLED) ## install Microsoft's own worker library, which tests compare with, where there is Python 3.13
	@$(BIN)/python localazure/tests/conformance/host/real_worker/install.py build/worker

check: $(INSTALLED) ## format, lint, types, dependency rules, determinism, unit and replay tests
	@$(BIN)/ruff format --check --quiet $(SOURCES) || { echo "run: make format"; exit 1; }
	@$(BIN)/ruff check --quiet $(SOURCES)
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo
	@$(BIN)/localazure lint --app .
	@$(BIN)/python -m pytest -q tests/unit tests/replay localazure/tests/unit

format: $(INSTALLED) ## rewrite the code in the house format
	@$(BIN)/ruff format $(SOURCES)
	@$(BIN)/ruff check --fix $(SOURCES)

chaos: $(INSTALLED) $(AZURITE) ## tell every story of orders and users with a crash or a fault at every moment
	@CHAOS=whole $(BIN)/python -m pytest -q $(SIDE_BY_SIDE) --show-capture=no tests/chaos

bench: $(INSTALLED) $(AZURITE) ## measure speed; prints a table and writes bench/results/latest.json
	@$(BIN)/python -m bench

lock: ## choose new versions within requirements*.txt and write constraints.txt
	rm -rf build/lock && $(PYTHON) -m venv build/lock
	build/lock/bin/pip install --quiet -r requirements-dev.txt
	{ echo "# Exact versions of everything installed; written by 'make lock'."; \
	  build/lock/bin/pip freeze --exclude-editable --exclude azure-functions; \
	  echo 'azure-functions==1.26.0 ; python_version < "3.13"'; \
	  echo 'azure-functions==2.3.0 ; python_version >= "3.13"'; } > constraints.txt

reset: $(INSTALLED) ## delete all local state
	@$(BIN)/localazure reset --app .

$(INSTALLED): requirements.txt requirements-dev.txt constraints.txt localazure/pyproject.toml
	@test -n "$(PYTHON)" || { echo "Python 3.11, 3.12 or 3.13 is needed; or name one: make PYTHON=/path/to/python"; exit 1; }
	@echo "Installing Python packages into $(VENV) ..."
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/pip install --quiet --disable-pip-version-check -r requirements-dev.txt -c constraints.txt
	@touch $@

$(AZURITE): localazure/azurite/package-lock.json $(INSTALLED)
	@echo "Installing Azurite ..."
	@localazure/azurite/install.sh "$(CURDIR)/$(BIN)/python"
	@touch $@
