# `make help` lists the commands. Each sets up the environment first; the second time that takes no time.

PYTHON         ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11 python; do \
                    "$$p" -c '$(is_new_enough)' 2>/dev/null && echo "$$p" && break; done)
VENV           ?= .venv
TORCH_PIP_ARGS ?=
WITHOUT_TORCH  ?=
ARGS           ?=

is_new_enough := import sys; sys.exit(sys.version_info < (3, 11))
torch_version := 2.13.0
py    := $(VENV)/bin/python
pip   := -m pip --disable-pip-version-check install
# pip's own words go into a file; when it fails, its errors are shown.
log   := $(VENV)/pip.log
quiet := >$(log) 2>&1
show_errors := { grep -i '^ *error' $(log) | tail -n 3; echo "($(log) has the rest of what pip said.)"; }
# One thread for each test worker, so that the workers do not wait for each other.
one_thread := OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 MKL_NUM_THREADS=1 VECLIB_MAXIMUM_THREADS=1

.PHONY: help demo test bench bench-engine bench-checker docs lint format types wheel setup setup-dev clean
.DEFAULT_GOAL := help

help: ## list the commands
	@echo "make COMMAND, where COMMAND is one of"
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  \1|\2/p' Makefile | awk -F'|' '{ printf "%-14s %s\n", $$1, $$2 }'
	@echo "Options, for example: make test ARGS='-k conv'"
	@echo "  ARGS=...           passed on to the command"
	@echo "  PYTHON=...         the Python to use, 3.11 or newer"
	@echo "  WITHOUT_TORCH=1    leave PyTorch out; the comparisons with it are skipped"
	@echo "  TORCH_PIP_ARGS=... passed to pip when it installs PyTorch: see CONTRIBUTING.md"

demo: setup ## train a small CNN on handwritten digits, check its gradients, write a report
	@$(VENV)/bin/tinygrad-edu demo $(ARGS)

test: setup ## run the tests
	@$(one_thread) $(py) -m pytest -n auto --maxprocesses 8 $(ARGS)

bench: setup ## time a training step against PyTorch and bare NumPy
	@$(py) -m benchmarks $(ARGS)

bench-engine: setup ## measure the engine: overhead of an operation, chains, memory
	@$(py) -m benchmarks.engine $(ARGS)

bench-checker: setup ## examine the gradient checker: what it catches, accuses and explains (some minutes)
	@$(py) -m benchmarks.checker $(ARGS)

docs: setup-dev ## build the documentation into build/docs
	@$(py) -m sphinx -q -W --keep-going -b html docs build/docs
	@echo "build/docs/index.html is the first page"

lint: setup-dev ## check style, docstrings and which module imports which
	@$(py) -m ruff check .
	@$(py) -m ruff format --check .
	@$(VENV)/bin/lint-imports --no-logo
	@$(py) -m numpydoc lint $$(find tinygrad_edu layers optim -name '*.py')

format: setup-dev ## format the code and mend what the linter can mend
	@$(py) -m ruff check --fix .
	@$(py) -m ruff format .

wheel: setup-dev ## build the wheel and check what is in it
	@rm -rf build/wheel && mkdir -p build/wheel
	@$(py) -m build --outdir build/wheel . >build/wheel.log 2>&1 || { cat build/wheel.log; exit 1; }
	@$(py) .ci/check_wheel.py build/wheel/*.whl

types: wheel ## type-check the wheel, installed in an environment of its own
	@[ -x build/wheel-venv/bin/python ] || $(py) -m venv build/wheel-venv
	@build/wheel-venv/bin/python $(pip) build/wheel/*.whl mypy $(quiet) || { $(show_errors); exit 1; }
	@build/wheel-venv/bin/python $(pip) --force-reinstall --no-deps build/wheel/*.whl $(quiet)
	@cd build/wheel && ../wheel-venv/bin/python -m tinygrad_edu version
	@cd build/wheel && ../wheel-venv/bin/python -m mypy --config-file ../../pyproject.toml \
	  --cache-dir ../mypy-cache -p tinygrad_edu

clean: ## remove the environment and everything built
	@rm -rf $(VENV) build dist *.egg-info .pytest_cache .hypothesis .ruff_cache .mypy_cache .import_linter_cache
	@find tinygrad_edu layers optim benchmarks tests -name __pycache__ -type d -prune -exec rm -rf {} + 2>/dev/null || true

# The environment. Files in it (.installed, .torch-..., .dev) say what has been done.

setup: $(VENV)/.installed $(if $(WITHOUT_TORCH),,$(VENV)/.torch-$(torch_version))

setup-dev: setup $(VENV)/.dev

$(py):
	@"$(PYTHON)" -c '$(is_new_enough)' 2>/dev/null || { \
	  echo "tinygrad_edu needs Python 3.11 or newer; $(or $(PYTHON),python3) says:" \
	    "$$("$(or $(PYTHON),python3)" --version 2>&1 | head -n 1)"; \
	  echo "Install a newer one, or name one that is installed, for example: make test PYTHON=python3.12"; exit 1; }
	@echo "Making an environment in $(VENV) with $$("$(PYTHON)" --version) ..."
	@"$(PYTHON)" -m venv --clear $(VENV) || { rm -rf $(VENV); \
	  echo "Python could not make a virtual environment. On Debian and Ubuntu: sudo apt install python3-venv"; exit 1; }

# Written with the folder's name in it, so that a checkout that was moved is installed again.
ifneq ($(CURDIR),$(shell cat $(VENV)/.installed 2>/dev/null))
$(VENV)/.installed: FORCE
endif
FORCE:

$(VENV)/.installed: setup.cfg pyproject.toml | $(py)
	@echo "Installing tinygrad_edu and what it needs (a minute or two) ..."
	@$(py) $(pip) --editable '.[test]' $(quiet) || { \
	  echo "The packages could not be installed. Is the network reachable? pip's last errors:"; $(show_errors); exit 1; }
	@echo "$(CURDIR)" >$@

$(VENV)/.dev: $(VENV)/.installed
	@echo "Installing the developers' tools ..."
	@$(py) $(pip) --editable '.[test,dev]' $(quiet) || { \
	  echo "The tools could not be installed. Is the network reachable? pip's last errors:"; $(show_errors); exit 1; }
	@touch $@

# PyTorch is what the results are compared with; everything else works without it.
$(VENV)/.torch-$(torch_version): | $(VENV)/.installed
	@echo "Installing PyTorch $(torch_version) (a large download) ..."
	@if $(py) $(pip) $(TORCH_PIP_ARGS) torch==$(torch_version) $(quiet); then touch $@; else \
	  echo "PyTorch could not be installed. pip's last errors:"; $(show_errors); \
	  [ -z "$$TINYGRAD_EDU_REQUIRE_TORCH" ] || exit 1; \
	  echo "It is optional: we go on without the comparisons with it. WITHOUT_TORCH=1 leaves it out without trying,"; \
	  echo "and CONTRIBUTING.md says how to choose another build of it."; fi
