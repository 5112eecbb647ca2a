# Build, check and read the book. `make` alone lists the targets.

PYTHON ?= $(or $(shell command -v python3.11),python3)
VENV   ?= .venv
PORT   ?= 8000
DEVICE ?= cpu
TORCH  ?=

INSTALLED := $(VENV)/.installed
TOOLS     := PYTHONPATH=book $(VENV)/bin/python -m _tools
RIVALS    := _build/rivals
BENCH     := $(if $(SIZES),--sizes $(SIZES)) $(if $(ENTRIES),--entries $(ENTRIES)) \
             $(if $(BUDGET),--budget $(BUDGET)) $(if $(THREADS),--threads $(THREADS)) \
             $(if $(FRESH),--fresh)

.DEFAULT_GOAL := help
.PHONY: help setup book test html slides pdf serve chapter results bench release anchors lock clean

help: ## List these targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(INSTALLED) ## Make .venv with exactly the packages of requirements.lock

book: $(INSTALLED) ## Execute every chapter that changed, then render the site
	@$(TOOLS) book

test: $(INSTALLED) ## Check everything: library, notebooks, guards, built site
	@$(TOOLS) test

html: $(INSTALLED) ## Render the stored outputs; execute nothing
	@$(TOOLS) html

slides: $(INSTALLED) ## Render the site with the slides of each chapter; say where they are
	@$(TOOLS) slides

pdf: $(INSTALLED) ## Typeset the whole book, to _build/pdf/featlearn.pdf (needs TeX)
	@$(TOOLS) pdf

serve: html ## Serve the site on this machine (PORT=8000)
	@echo "Serving http://localhost:$(PORT) (Ctrl-C ends it)"
	@$(VENV)/bin/python -m http.server $(PORT) --bind 127.0.0.1 --directory _build/html

chapter: $(INSTALLED) ## Execute one chapter afresh: C=two-layer (DEVICE=cuda with a GPU)
	@$(TOOLS) chapter --device $(DEVICE) -- $(C)

results: $(INSTALLED) ## Measure what is missing in book/results (hours; EXECUTOR=slurm PARTITION=…)
	@$(VENV)/bin/python -m featlearn.experiments $(if $(WORKERS),--workers $(WORKERS))

bench: $(INSTALLED) $(RIVALS)/.installed ## Time the library and rival samplers (40 minutes; SIZES=15 for a part)
	@$(VENV)/bin/python benchmarks/scaling.py
	@$(VENV)/bin/python benchmarks/cost.py --device $(DEVICE)
	@$(VENV)/bin/python benchmarks/integrators.py
	@$(VENV)/bin/python -m benchmarks.sampling $(BENCH)

release: $(INSTALLED) ## Pack the site, the PDF and the repository into _build/release
	@$(TOOLS) release

anchors: $(INSTALLED) ## Enter the site's new anchors in the list of those that are kept
	@$(TOOLS) anchors

lock: $(INSTALLED) ## Resolve pyproject.toml anew into requirements.lock and environment.yml
	@$(TOOLS) lock $(if $(TORCH),--torch $(TORCH))

clean: ## Remove what was built; keep .venv and book/results
	rm -rf _build

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	  echo "This book needs Python 3.11 or newer, but '$(PYTHON)' is missing or older: install one, or name it with make PYTHON=/path/to/python3.11."; \
	  exit 1; }
	$(PYTHON) -m venv $(VENV)

# The lock is the whole environment, so the package itself resolves and fetches nothing.
$(INSTALLED): requirements.lock pyproject.toml | $(VENV)/bin/python
	$(VENV)/bin/python -m pip install --disable-pip-version-check -r requirements.lock
	$(VENV)/bin/python -m pip install --disable-pip-version-check --quiet --no-deps --no-build-isolation -e .
	@touch $@

# The samplers that ours is compared with stay out of the book's environment.
$(RIVALS)/.installed: benchmarks/rivals.lock | $(VENV)/bin/python
	$(VENV)/bin/python -m venv $(RIVALS)
	$(RIVALS)/bin/python -m pip install --disable-pip-version-check --quiet -r benchmarks/rivals.lock
	@touch $@
