# make demo | test | test-all | random | lint | cards | docs | bench: each makes .venv and
# installs what it needs there.
# Another interpreter: make test PYTHON=python3.12. Another scan: make demo IMAGE=a.nii.gz

PYTHON ?= $(shell for name in python3 python3.13 python3.12 python3.11; do \
	$$name -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' \
	2>/dev/null && echo $$name && break; done)
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --disable-pip-version-check
IMAGE ?=
MINUTES ?= 40
# The first ones are compared with other libraries; what time is left goes to the others.
BENCHMARKS ?= sliding_window augmentation feed tissue engines training_step batch growth cluster

# What `make test` leaves to `make test-all`; no test runs in both.
EXTENDED := extended or realdata
# Each worker starts with half of the tests and takes over from the other in the end.
PYTEST := $(BIN)/python -m pytest -n 2 --dist worksteal

.PHONY: demo test test-all random lint cards docs bench clean

demo: $(VENV)/installed-demo
	$(BIN)/medzoo demo $(if $(IMAGE),"$(IMAGE)")

test: lint
	$(BIN)/medzoo cards --check
	$(PYTEST) -m "not ($(EXTENDED))"

test-all: $(VENV)/installed-test-all
	$(PYTEST) -m "$(EXTENDED)"

# Ten minutes of scans, tables and options drawn at random.
random: $(VENV)/installed-test
	MEDZOO_RANDOM_SECONDS=600 $(BIN)/python -m pytest tests/test_random_use.py

lint: $(VENV)/installed-test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

cards: $(VENV)/installed-test
	$(BIN)/medzoo cards

# The documentation site; open site/index.html.
docs: $(VENV)/installed-docs
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build -q

# What does not fit into MINUTES is left out and named; all of it takes about an hour on
# two idle cores. Results go to benchmarks/results/, a folder a kind of processor.
bench: $(VENV)/installed-bench
	$(BIN)/python benchmarks/run.py --minutes $(MINUTES) $(BENCHMARKS)

clean:
	rm -rf $(VENV) dist site

# Editable, so that one .venv serves every target and never holds an old copy.
$(VENV)/installed-demo: pyproject.toml | $(BIN)/python
	$(PIP) -e ".[demo]"
	@touch $@

$(VENV)/installed-test: pyproject.toml | $(BIN)/python
	$(PIP) -e ".[demo,test]"
	@touch $@ $(VENV)/installed-demo

$(VENV)/installed-test-all: pyproject.toml | $(BIN)/python
	$(PIP) -e ".[demo,test,test-all]"
	@touch $@ $(VENV)/installed-demo $(VENV)/installed-test

$(VENV)/installed-docs: pyproject.toml | $(BIN)/python
	$(PIP) -e ".[docs]"
	@touch $@

$(VENV)/installed-bench: pyproject.toml | $(BIN)/python
	$(PIP) -e ".[bench]"
	@touch $@

$(BIN)/python:
	@if [ -z "$(PYTHON)" ]; then \
		echo "medzoo needs Python 3.11, 3.12 or 3.13, and none was found." >&2; \
		echo "On Debian or Ubuntu: sudo apt install python3 python3-venv" >&2; \
		echo "or where python3 is older: sudo apt install python3.11 python3.11-venv" >&2; \
		exit 1; fi
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
		echo "$(PYTHON) cannot make virtual environments." >&2; \
		$(PYTHON) -c 'import sys; print("On Debian or Ubuntu: sudo apt install python3-venv python%d.%d-venv" % sys.version_info[:2])' >&2; \
		exit 1; }
	$(PYTHON) -m venv $(VENV)
