# Lazo's commands; `make help` lists them. Variables (PORT=, STAGE=, ...) reach the commands as environment variables.
SHELL := /bin/sh
MAKEFLAGS += --no-print-directory
.DEFAULT_GOAL := help
.PHONY: help run test check format build bench simulate simulate-mutants kills check-replay robots package deploy clean needs-chromium

PY := .venv/bin/python
READY := .venv/.ready
STAGE ?= dev
WORKERS ?= 3
CHROMIUM ?= $(shell command -v chromium || command -v chromium-browser || command -v google-chrome-stable || command -v google-chrome)
export CHROMIUM

help: ## Say what each command does
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1|\2/p' $(firstword $(MAKEFILE_LIST)) | awk -F'|' '{printf "make %-17s %s\n", $$1, $$2}'

run: $(READY) ## Start the whole system on http://127.0.0.1:8000; PORT=, FRESH=1 (empty), DEMO=1 (a year of a company), ORG=file.yaml
	@exec $(PY) -m infra.local.run

test: needs-chromium $(READY) ## Run every test, without network; ARGS="-k words" for some, WORKERS= for the processes at once
	@$(PY) -m pytest --numprocesses $(WORKERS) --dist loadfile --no-loadscope-reorder $(ARGS)

check: $(READY) ## Check formatting, lint, types, import contracts and that built files are current: seconds
	@$(PY) -m ruff format --check --quiet --output-format concise . || { echo "make format mends that."; exit 1; }
	@$(PY) -m ruff check --quiet --output-format concise .
	@$(PY) -m mypy
	@.venv/bin/lint-imports --no-logo
	@$(PY) -m infra.build --check

format: $(READY) ## Format the code and mend what lint can mend by itself
	@$(PY) -m ruff check --fix --quiet . ; $(PY) -m ruff format --quiet .

build: $(READY) ## Compile mails and catalogues after their sources changed (the results are committed)
	@$(PY) -m infra.build

bench: $(READY) ## Measure what the design budgets; writes bench/latest.json
	@$(PY) -m bench

simulate: $(READY) ## Run the deterministic simulation; SEEDS=300 for many, SEED=7 for one, DEEP=1 over the embedded AWS, PAIRS=1 for every two crashes
	@$(PY) -m tests.simulation

simulate-mutants: $(READY) ## Plant bugs and show which invariant catches each
	@$(PY) -m tests.simulation.mutants

kills: $(READY) ## Pull the plug of the running system again and again; TIMES=50 kills, about half a minute each
	@LAZO_KILLS=$${TIMES:-50} $(PY) -m pytest -q -s -p no:xdist tests/local/test_kill.py

check-replay: $(READY) ## Replay an export and find each of its figures again in the trends; FILE=orders.csv, MAPPING=
	@$(PY) -m infra.replay.alone

robots: needs-chromium $(READY) ## Let scripted robots loose on the survey page; TIMES=800 runs of each
	@$(PY) -m tests.browser.robots

package: $(READY) ## Make the template and the zip of a stage in build/package/; STAGE=dev
	@$(PY) -m infra.aws.package --stage $(STAGE)

deploy: $(READY) ## Deploy a packaged stage with the AWS CLI; asks before it changes anything; STAGE=dev, ORG=file.yaml
	@$(PY) -m infra.aws.deploy --stage $(STAGE)

clean: ## Remove what can be made again; what the local system stored stays in .local/
	@rm -rf build .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

needs-chromium:
	@command -v "$(CHROMIUM)" >/dev/null 2>&1 || { echo "The browser tests need a Chromium: install one (Debian and Ubuntu: apt-get install chromium) or name yours with CHROMIUM=/path/to/chromium." >&2; exit 1; }

$(READY): requirements.txt requirements-dev.txt constraints.txt infra/prepare.sh
	@sh infra/prepare.sh
