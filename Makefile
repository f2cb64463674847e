# Each target is the command of the same name in course.py, which also works where there is no make:
#     make lab ARGS="--port=9000"      is      python course.py lab --port=9000
# Any Python 3.8 can start it; it then looks for one that is new enough. A name on the PATH can be an empty shell, and
# -E keeps variables for another Python away. Only relative paths, so that a folder with spaces in its name works.
NAMES := .venv/bin/python python3 python python3.11 python3.12 python3.13 python3.14
STARTS := import sys; sys.exit(sys.version_info < (3, 8))
COURSE = $(or $(shell for p in $(NAMES); do "$$p" -E -c '$(STARTS)' >/dev/null 2>&1 && echo "$$p" -E course.py && break; done),$(NONE))
NONE = echo "course: Python 3.11 or newer is needed, and no Python was found (Debian, Ubuntu: sudo apt-get install python3 python3-venv)" >&2; false
COMMANDS := help setup lab gpt doctor test portable notebooks check grade site bench clean
ARGS ?=

.PHONY: $(COMMANDS)
$(COMMANDS):
	@$(COURSE) $@ $(ARGS)
