# Every target sets up what it needs; the second time that takes no time.
# Only relative paths, so that a folder with spaces in its name works.
PYTHON_IN_VENV := .venv/bin/python
ARGS ?=

.PHONY: help setup setup-dev setup-grade setup-site lab test portable gpt notebooks check grade site bench clean

help:                 ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-10s %s\n", $$1, $$2 }' Makefile

setup:
	@sh tools/setup.sh

setup-dev:
	@sh tools/setup.sh dev
	@$(PYTHON_IN_VENV) tools/mathjax.py --if-possible

setup-grade:
	@sh tools/setup.sh grade

setup-site:
	@sh tools/setup.sh site
	@$(PYTHON_IN_VENV) tools/mathjax.py

lab: setup            ## open JupyterLab at lesson 00 (ARGS="--port=9000" and the like go to JupyterLab)
	@sh tools/lab.sh $(ARGS)

test: setup-dev       ## run every test, every lesson and every solution (ARGS go to pytest)
	@sh tools/test.sh $(ARGS)

portable: setup-dev   ## run every lesson and solution with other processors' arithmetic, against the stored outputs
	@$(PYTHON_IN_VENV) tools/portable.py $(ARGS)

gpt: setup            ## train a GPT for about a minute and let it write (ARGS="--data pydoc": on another text)
	@.venv/bin/course train tiny --data storyworld --out runs/gpt --fresh $(ARGS)
	@.venv/bin/course generate runs/gpt

notebooks: setup-dev  ## rebuild the notebooks that differ from their sources (ARGS="12_gpt" for one, --all for all)
	@$(PYTHON_IN_VENV) tools/build_notebooks.py $(ARGS)

check: setup-dev      ## say which notebooks are out of date; starts no kernel
	@$(PYTHON_IN_VENV) tools/build_notebooks.py --check $(ARGS)

grade: setup-grade    ## grade what was collected (ARGS="12_gpt --jobs 2")
	@.venv/bin/course grade $(ARGS)

site: setup-site      ## build all lessons, glossary, gallery and reference as a site (open build/site/index.html)
	@$(PYTHON_IN_VENV) tools/build_site.py $(ARGS)

bench: setup-dev      ## run the benchmarks and write their tables into benchmarks/README.md (ARGS="text" for one)
	@$(PYTHON_IN_VENV) benchmarks/_all.py $(ARGS)

clean:                ## remove the virtual environments and every cache; notebooks and your work/ stay
	@rm -rf .venv .venv-* build dist *.egg-info .pytest_cache .ruff_cache .hypothesis
	@find course_lib tests tools benchmarks -name __pycache__ -type d -prune -exec rm -rf {} + 2>/dev/null || true
