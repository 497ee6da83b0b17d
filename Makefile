# What one can do here. `make demo` and `make test` work on a fresh clone; the rest is for daily work.

VENV := .venv
BIN := $(VENV)/bin
# The first Python on this machine that is new enough; `make PYTHON=/path/to/python3.12 …` overrides it.
PYTHON ?= $(firstword $(foreach name,python3 python3.14 python3.13 python3.12 python3.11,$(shell \
	$(name) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $(name))))
PYTEST_ARGS ?=
UV_VERSION := 0.13.8
LOCK := $(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
	--no-emit-index-url --no-emit-find-links

.PHONY: help setup demo test test-long check fix bench torture fuzz mission lock browser clients
help:
	@echo "make demo      set up, fill a demo company, print its address and serve it (Ctrl-C ends it)"
	@echo "make test      set up what the tests need, browser and clients included, and run them all"
	@echo "make test-long tell 200 stories of 200 accounts and 90 days, and hold every promise after every turn"
	@echo "make check     formatting, lint, types, floors"
	@echo "make fix       mend what ruff can mend"
	@echo "make bench     measure the speed figures on this machine"
	@echo "make torture   kill the intake 3,000 times and those who send 1,000 times; look for what is lost or doubled"
	@echo "make fuzz      feed the intake and the API broken input for FUZZ_MINUTES (60)"
	@echo "make mission   count the requirements that passing tests show"
	@echo "make setup     everything for development, in .venv"
	@echo "make lock      pin and hash the newest allowed versions again"

setup: $(VENV)/.ready

# What running Keepwell needs; `make demo` waits for no more than this.
$(VENV)/.runs: requirements/lock.txt pyproject.toml
	@test -n "$(PYTHON)" || { echo "Keepwell needs Python 3.11 or newer, and none was found on the PATH. \
	Install one (Debian: apt-get install python3 python3-venv; macOS: brew install python), or run 'make PYTHON=/path/to/python3 …'."; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { echo "$(PYTHON) cannot make virtual environments. \
	Install what it lacks (Debian: apt-get install python3-venv) and run make again."; exit 1; }
	@test -x $(BIN)/uv || { $(PYTHON) -m venv $(VENV) && $(BIN)/python -m pip install -q uv==$(UV_VERSION); }
	$(BIN)/uv pip install -q --python $(BIN)/python -r requirements/lock.txt
	$(BIN)/uv pip install -q --python $(BIN)/python --no-deps -e .
	@touch $@

# What developing and testing need on top.
$(VENV)/.ready: $(VENV)/.runs requirements/dev.txt
	$(BIN)/uv pip sync -q --python $(BIN)/python requirements/dev.txt
	$(BIN)/uv pip install -q --python $(BIN)/python --no-deps -e .
	@touch $@

demo: $(VENV)/.runs
	@exec env KEEPWELL_HOME=$${KEEPWELL_HOME:-.demo} $(BIN)/keepwell demo --serve

browser: $(VENV)/.ready
	@$(BIN)/python tests/chromium.py

# Programs of others that send to the intake; the tests run them as they are.
clients: $(VENV)/.ready .venv-clients/.ready
	@$(BIN)/python tests/node.py

.venv-clients/.ready: requirements/clients.txt | $(VENV)/.ready
	$(BIN)/uv venv -q --clear --python $(BIN)/python .venv-clients
	$(BIN)/uv pip sync -q --python .venv-clients/bin/python requirements/clients.txt
	@touch $@

test: $(VENV)/.ready browser clients
	@$(BIN)/python tests/java.py
	$(BIN)/pytest -n 2 $(PYTEST_ARGS)

test-long: $(VENV)/.ready
	KEEPWELL_SEEDS=200 $(BIN)/pytest -n 2 tests/simulation

check: $(VENV)/.ready
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

fix: $(VENV)/.ready
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(VENV)/.ready
	$(BIN)/python bench/run.py
	$(BIN)/python bench/intake.py
	$(BIN)/python bench/live.py
	$(BIN)/python bench/flapping.py
	$(BIN)/python bench/waiting.py

torture: $(VENV)/.ready
	$(BIN)/python -m tests.crash.torture
	$(BIN)/python -m tests.crash.outbox_torture

# Only this needs atheris, which is not there for every platform.
$(VENV)/.fuzz: requirements/fuzz.txt $(VENV)/.ready
	$(BIN)/uv pip install -q --python $(BIN)/python -r requirements/fuzz.txt
	@touch $@

fuzz: $(VENV)/.fuzz
	$(BIN)/python -m tests.fuzz.run

mission: $(VENV)/.ready browser clients
	@$(BIN)/python tests/java.py
	$(BIN)/pytest -n 2 --mission $(PYTEST_ARGS)

lock: $(VENV)/.ready
	$(LOCK) --upgrade pyproject.toml -o requirements/lock.txt
	$(LOCK) --upgrade --all-extras --group dev -c requirements/lock.txt pyproject.toml -o requirements/dev.txt
	$(LOCK) --upgrade --group clients -o requirements/clients.txt
	$(LOCK) --upgrade --group fuzz -o requirements/fuzz.txt
