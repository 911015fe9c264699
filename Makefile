# One command each: `make run`, `make demo`, `make test`, `make lint`. Needs Python 3.11 or later and
# the package registries, nothing else; all of it goes into .venv/ (delete it to start over).

# The first Python that is recent enough; `make run PYTHON=/path/to/python` overrides.
ifeq ($(origin PYTHON), undefined)
PYTHON := $(shell for python in python3 python3.14 python3.13 python3.12 python3.11; do \
	"$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
	&& echo "$$python" && break; done)
endif

VENV := .venv
BIN := $(VENV)/bin
# Stamps live in the virtual environment, so that deleting it makes everything again.
STAMPS := $(VENV)/stamps
PIP := $(BIN)/python -m pip --quiet --quiet --disable-pip-version-check --no-input
# On every core, which pip does not; and ahead of time, because Python may be told to write nothing
# later. A file of a package that is meant for another Python fails to compile, and need not.
COMPILE := $(BIN)/python -m compileall -q -j 0 -x '/tests?/' $(VENV)/lib collab >/dev/null || true
CATALOGUES := $(wildcard collab/translations/*/LC_MESSAGES/*.po)
UV_VERSION := 0.13.8

.DEFAULT_GOAL := help
.PHONY: help run demo test test-postgresql rules chaos lint bench lighthouse screens weigh lock messages clean install install-dev system-packages

help:
	@echo 'make run       install what is missing, then serve ./instance (PORT=8000, ARGS="...")'
	@echo 'make demo      three instances with content, side by side on this machine'
	@echo 'make test      every test, on SQLite and on PostgreSQL (ARGS="..." goes to pytest)'
	@echo 'make test-postgresql  every test that uses a database, on PostgreSQL'
	@echo 'make rules     each rule of docs/federation.md taken out of a copy, its tests seen red (ARGS="R9")'
	@echo 'make chaos     three instances under killed processes and bad roads (ARGS="--minutes 20")'
	@echo 'make lint      ruff, mypy, djlint'
	@echo 'make bench     the figures of docs/, measured again'
	@echo 'make lighthouse  the main pages on slow 3G with a slow processor, by Lighthouse'
	@echo 'make screens   pictures of 25 screens of the running demonstration, in screenshots/'
	@echo 'make weigh     weigh every page in Chromium and write docs/weight.md'
	@echo 'make lock      resolve the dependencies of pyproject.toml again (UPGRADE=1: newest ones)'
	@echo 'make messages  bring the translation catalogues up to date with the sources'
	@echo 'make install   what `make run` installs, and start nothing'
	@echo 'make install-dev  and what the tests and lint need'
	@echo 'make system-packages  Chromium, PostgreSQL and a font: installed for root, else named'
	@echo 'make clean     remove what make made; ./instance stays'

# exec: the signal that stops make reaches the supervisor itself, which stops the rest.
run: install
	@exec $(BIN)/collab run $(ARGS)

demo: install
	@exec $(BIN)/collab demo $(ARGS)

# --- Installing -------------------------------------------------------------------------------

install: $(STAMPS)/installed $(STAMPS)/assets $(CATALOGUES:.po=.mo)

install-dev: install $(STAMPS)/installed-dev

$(STAMPS)/venv:
	@test -n "$(PYTHON)" || { echo 'collab needs Python 3.11 or later: install it, or say make run PYTHON=/path/to/python3' >&2; exit 1; }
	@test -x $(BIN)/python || { echo 'Making .venv with $(PYTHON) ...'; $(PYTHON) -m venv $(VENV) \
		|| { echo 'Python could not make a virtual environment (on Debian: apt install python3-venv)' >&2; exit 1; }; }
	@mkdir -p $(STAMPS) && touch $@

$(STAMPS)/installed: requirements.lock pyproject.toml | $(STAMPS)/venv
	@echo 'Installing the packages of requirements.lock ...'
	@$(PIP) install --no-deps --no-compile --require-hashes -r requirements.lock
	@$(PIP) install --no-deps --no-build-isolation -e .
	@$(COMPILE)
	@touch $@

$(STAMPS)/installed-dev: requirements-dev.lock $(STAMPS)/installed
	@echo 'Installing the packages of requirements-dev.lock ...'
	@$(PIP) install --no-deps --no-compile --require-hashes -r requirements-dev.lock
	@$(COMPILE)
	@touch $@

# Pages work without scripts, so a machine that can have no browser assets still gets a server;
# the next `make run` tries again because no stamp is left.
$(STAMPS)/assets: package-lock.json tools/assets.py $(STAMPS)/installed
	@if $(BIN)/python tools/assets.py; then touch $@; fi

%.mo: %.po $(STAMPS)/installed
	@$(BIN)/pybabel --quiet compile --input-file $< --output-file $@

# --- Checking ---------------------------------------------------------------------------------

test: install-dev system-packages
	@$(BIN)/python tools/run_tests.py $(ARGS)

chaos: install-dev
	@$(BIN)/python tests/acceptance/chaos.py $(ARGS)

test-postgresql: install-dev system-packages
	@$(BIN)/python tools/postgres_for_tests.py $(BIN)/python -m pytest -n 2 --dist loadfile --database=postgresql $(ARGS)

rules: install-dev
	@$(BIN)/python tools/take_out_rules.py $(ARGS)

system-packages: | $(STAMPS)/venv
	@$(BIN)/python tools/system_packages.py

lint: install-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/djlint --quiet --lint collab

# What ends in _server is started by its benchmark, delay is a part of others, __main__ is them all.
bench: install-dev
	@set -e; for file in $(filter-out %_server.py %/delay.py %/__init__.py %/__main__.py, $(wildcard benchmarks/*.py)); do \
		echo "== $$file"; $(BIN)/python -m "benchmarks.$$(basename $$file .py)" $(ARGS); done

lighthouse: install-dev system-packages
	@$(BIN)/python tools/lighthouse.py

screens: install-dev system-packages
	@$(BIN)/python tools/screens.py $(ARGS)

weigh: install-dev system-packages
	@$(BIN)/python tools/weigh.py

# --- Keeping ----------------------------------------------------------------------------------

$(STAMPS)/uv: Makefile | $(STAMPS)/venv
	@$(PYTHON) -m venv $(VENV)/uv
	@$(VENV)/uv/bin/python -m pip --quiet --quiet --disable-pip-version-check install uv==$(UV_VERSION)
	@touch $@

messages: install
	@$(BIN)/python tools/translations.py

# For every Python from 3.11 on, and every platform; no registry is named in the result.
LOCK := $(VENV)/uv/bin/uv --quiet pip compile --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-emit-find-links --custom-compile-command 'make lock' \
	$(if $(UPGRADE),--upgrade)

lock: $(STAMPS)/uv
	$(LOCK) pyproject.toml --extra build --output-file requirements.lock
	$(LOCK) pyproject.toml --extra build --extra dev --constraints requirements.lock --output-file requirements-dev.lock
	$(LOCK) tools/node.in --output-file tools/node.lock

clean:
	rm -rf $(VENV) node_modules collab/static/vendor dist build .mypy_cache .ruff_cache .pytest_cache
	find collab/translations -name '*.mo' -delete 2>/dev/null || true
