# Everything a person does here starts with `make`. `make help` explains.

PYTHON ?= python3
BIN := .venv/bin
ARGS ?=
# Most of the time the tests wait for real programs: one process more than a small machine has cores.
WORKERS ?= 3

# Pages and files that are generated from tables in the code; each tool writes, or compares with --check.
GENERATED := $(wildcard tools/register_map.py tools/chademo_trace.py) tools/metrics_page.py tools/settings_page.py tools/cli_page.py tools/api_page.py tools/openapi.py tools/dashboards.py

.DEFAULT_GOAL := help
.PHONY: audit site help install demo test check bench bench-fleet proto fmt e2e soak lock docs install-demo clean

help: ## Explain the commands
	@echo "powerctl: the station's energy manager, charging controller and back end"
	@echo
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo
	@echo "Python 3.11 or newer is all they need; everything else goes into .venv."

install: ## Put everything, the tools for development included, into .venv
	@$(PYTHON) tools/install.py dev

install-demo:
	@$(PYTHON) tools/install.py demo

demo: install-demo ## Run a whole simulated station on this machine; Ctrl-C ends it (ARGS="--help" for more)
	@$(BIN)/powerctl demo $(ARGS)

test: install ## Check and test everything, as CI does (some ten minutes on two cores)
	@$(PYTHON) tools/system_packages.py
	@$(MAKE) --no-print-directory check
	@echo "==> Tests"
	@$(BIN)/pytest -n $(WORKERS) --dist worksteal -m "not slow" $(ARGS) || { [ $$? -eq 1 ] || exit 1; \
	echo "==> What failed beside other tests, once more and alone; five failures end it"; \
	$(BIN)/pytest -n 0 --last-failed --last-failed-no-failures none --maxfail 5 -m "not slow" $(ARGS); }

check: install ## Formatting, lint, types, import contracts, wire contracts, generated files, lock
	@echo "==> Formatting and lint"
	@$(BIN)/ruff format --check --quiet . || { echo "Run 'make fmt'."; exit 1; }
	@$(BIN)/ruff check --quiet .
	@echo "==> Types"
	@$(BIN)/mypy
	@echo "==> Import contracts"
	@report=$$($(BIN)/lint-imports --no-cache 2>&1) || { echo "$$report"; exit 1; }
	@echo "==> Wire contracts, generated files, lock"
	@$(BIN)/buf lint
	@$(BIN)/python tools/breaking.py
	@$(BIN)/python tools/proto.py --check
	@for tool in $(GENERATED); do $(BIN)/python $$tool --check || exit 1; done
	@$(BIN)/python tools/web_drift.py
	@$(BIN)/python tools/lock.py --check
	@echo "==> Documentation"
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet --strict

fmt: install ## Format the code and mend what ruff can mend
	@$(BIN)/ruff check --fix --quiet . || true
	@$(BIN)/ruff format .
	@$(BIN)/ruff check .

proto: install ## Generate powerctl/v1 from protos/
	@$(BIN)/buf lint
	@$(BIN)/python tools/proto.py

docs: install ## Generate the reference pages and the traces from their tables
	@for tool in $(GENERATED); do $(BIN)/python $$tool || exit 1; done

bench: install ## Measure the numbers we promise, with an observer outside the programs
	@$(BIN)/pytest tests/bench -o python_files='bench_*.py' --ignore tests/bench/bench_cloud_fleet.py -n 0 -q -s $(ARGS)

bench-fleet: install ## A fleet of 10,000 stations that comes back after an outage (about ten minutes)
	@$(BIN)/pytest tests/bench/bench_cloud_fleet.py -o python_files='bench_*.py' -n 0 -q -s $(ARGS)

e2e: install ## The browser's stories, against real programs (needs Chromium)
	@$(PYTHON) tools/system_packages.py
	@$(BIN)/pytest tests/e2e -n 0 $(ARGS)

soak: install ## The long stories: faults, kills and restarts for minutes
	@$(BIN)/pytest -n 0 -m slow $(ARGS)

lock: install ## Resolve pyproject.toml into requirements/ (needs uv; ARGS=--upgrade takes newer versions)
	@$(BIN)/python tools/lock.py $(ARGS)

audit: install ## Compare the locked dependencies with known vulnerabilities (osv.dev), and write build/sbom.cdx.json
	@$(BIN)/python tools/audit.py $(ARGS)

site: install ## Build the documentation as a site in build/site
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet --strict

clean: ## Remove the environment and what tools left behind; never your data
	@rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis build dist
