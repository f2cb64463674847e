"""The student's answer as a probe calls it: its arguments are watched, and what it returns gets the right form.

Used by the checks of all lessons. A probe calls `ns["softmax"](…)` and knows nothing of this.
"""

from collections.abc import Callable

from course_lib.classroom.checking.arguments import Seen
from course_lib.classroom.checking.returned import like

LARGE = 4  # how many calls of one probe are watched: many calls are many alike


class Asked:
    """An answer, called through this.

    Args:
        answer: whatever the student wrote, if it can be called.
        manner: {"arguments": names in order, "changes": names of those that it is to change, "returns": form}, all of
            them optional; see course_lib.classroom.authoring.record.
        given: what becomes of each argument on its way; default: nothing.

    `changed`: the name of the first argument that was changed and should not have been, "" for none; `change`: how, in
    words. `returned`: by the first call.
    """

    def __init__(self, answer: Callable, manner: dict, given: Callable = lambda value: value):
        self.answer, self.manner, self.given = answer, manner, given
        self.changed, self.change, self.calls, self.returned = "", "", 0, None
        self.__wrapped__ = answer

    def __call__(self, *args: object, **named: object) -> object:
        args, named = [self.given(one) for one in args], {name: self.given(one) for name, one in named.items()}
        self.calls += 1
        watched = self._seen(args, named) if self.calls <= LARGE and not self.change else []
        found = self.answer(*args, **named)
        for one in watched:
            if not self.change and (change := one.change()):
                self.changed, self.change = one.name, change
        self.returned = found if self.calls == 1 else self.returned
        return like(self.manner["returns"], found) if "returns" in self.manner else found

    def _seen(self, args, named):
        names, may = self.manner.get("arguments", []), self.manner.get("changes", [])
        called = [names[i] if i < len(names) else f"argument {i + 1}" for i in range(len(args))]
        return [Seen(name, one) for name, one in (*zip(called, args, strict=True), *named.items()) if name not in may]
