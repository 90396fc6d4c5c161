# Each target does the set-up it needs. `make demo` is the first one to try.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready
TEACHER := qwen2.5-coder-1.5b-instruct
STUDENT := smollm2-135m-instruct
UNSLOTH := 2026.10.9

.PHONY: demo test check setup weights tui env-mlx env-unsloth env-bench format clean

demo: weights
	$(BIN)/schoolhouse demo

# three workers for two cores: waiting for children and timers leaves a quarter of them idle
test: weights
	$(BIN)/python -m pytest -n 3 --dist loadgroup

check: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

tui: weights
	$(BIN)/schoolhouse

setup: $(READY)

weights: $(READY)
	$(BIN)/schoolhouse models pull $(STUDENT) $(TEACHER)

# pip 25.1 is the first that installs dependency groups
$(READY): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit("Schoolhouse needs Python 3.11 or newer: make PYTHON=python3.11 …" if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade "pip>=25.1"
	$(BIN)/python -m pip install --quiet --editable . --group dev
	@if command -v cc >/dev/null || command -v gcc >/dev/null || command -v clang >/dev/null; then \
	  echo "compiling llama-cpp-python, which takes some minutes the first time"; \
	  $(BIN)/python -m pip install --quiet --editable ".[llama-cpp]" || \
	    echo "it could not be built: xllamacpp is used, without exports to GGUF"; \
	else \
	  echo "no C compiler: xllamacpp is used, without exports to GGUF"; \
	  echo "  for these: sudo apt install build-essential   (macOS: xcode-select --install), then make -B setup"; \
	fi
	touch $(READY)

# trainers whose pins differ have environments of their own; `schoolhouse doctor` finds them here
env-mlx: .venv-mlx/.ready

.venv-mlx/.ready: pyproject.toml
	$(PYTHON) -m venv .venv-mlx
	.venv-mlx/bin/python -m pip install --quiet --upgrade "pip>=25.1"
	.venv-mlx/bin/python -m pip install --quiet --group mlx
	touch $@

env-unsloth: .venv-unsloth/.ready

# The release comes last and alone: it asks for a certifi that is newer than some package indexes have.
# torchvision and xformers are built for CUDA's torch; beside a CPU's they fail when they are imported.
.venv-unsloth/.ready: pyproject.toml
	$(PYTHON) -m venv .venv-unsloth
	.venv-unsloth/bin/python -m pip install --quiet --upgrade "pip>=25.1"
	@echo "installing Unsloth: some 3 GB, without a GPU"
	.venv-unsloth/bin/python -m pip install --quiet --group unsloth
	.venv-unsloth/bin/python -m pip install --quiet --no-deps unsloth==$(UNSLOTH) unsloth_zoo==$(UNSLOTH)
	.venv-unsloth/bin/python -c "import sys, torch; sys.exit(torch.version.cuda is None)" || \
	  .venv-unsloth/bin/python -m pip uninstall --quiet --yes torchvision xformers
	touch $@

# the peers that benchmarks compare with; those that cannot stand beside each other have two environments
env-bench: .venv-bench/.ready .venv-bench-teacher/.ready

.venv-bench/.ready .venv-bench-teacher/.ready: pyproject.toml
	$(PYTHON) -m venv $(@D)
	$(@D)/bin/python -m pip install --quiet --upgrade "pip>=25.1"
	$(@D)/bin/python -m pip install --quiet --group $(patsubst .venv-%,%,$(@D))
	touch $@

format: $(READY)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:
	rm -rf $(VENV) .venv-mlx .venv-unsloth .venv-bench .venv-bench-teacher build dist *.egg-info
