"""Links that the text already implies: `attention_weights` leads to its reference, “lesson 07” to the lesson.

Nobody writes them, so lessons and docstrings stay as readable in Jupyter and in an editor as they are here; and a name
that does not exist yet is simply not a link.
"""

import re

from docutils import nodes
from sphinx.transforms.post_transforms import SphinxPostTransform

LESSONS = re.compile(r"\b[Ll]essons? \d\d(?: \(\w+\))?(?:(?:, | and |, and | to |–)\d\d(?: \(\w+\))?)*")
ONE = re.compile(r"(?:[Ll]essons? )?(\d\d)(?: \(\w+\))?")
NAME = re.compile(r"(?:course_lib\.)?[A-Za-z_][\w.]*")
PATH = re.compile(r"course_lib/([\w/]+?)(?:/__init__)?\.py")
KEEP = (nodes.reference, nodes.title, nodes.literal_block, nodes.raw)
KINDS = ("function", "class", "exception", "method", "property", "module")


def inside(node: nodes.Node, kinds: tuple) -> bool:
    """Whether a node stands in one of these kinds of node."""
    while node := node.parent:
        if isinstance(node, kinds) or type(node).__name__.startswith(("desc_sig", "desc_name", "desc_addname")):
            return True
    return False


class ImpliedLinks(SphinxPostTransform):
    """Runs when a page is written, when every page and every name is known."""

    default_priority = 5
    formats = ("html",)

    def run(self, **kwargs) -> None:
        self.lessons = {name[10:12]: name for name in sorted(self.env.found_docs) if name.startswith("notebooks/")}
        self.objects = self.env.get_domain("py").objects
        self.by_name = self._by_last_names()
        for node in list(self.document.findall(nodes.literal)):
            if not inside(node, KEEP) and (found := self._object(node.astext())):
                self._link(node, found)
        for node in list(self.document.findall(nodes.Text)):
            if not inside(node, (*KEEP, nodes.literal)) and LESSONS.search(node):
                node.parent.replace(node, list(self._with_lessons(str(node))))

    def _by_last_names(self):
        """`attention_weights`, `Block.forward`, `gpt.GPT` … → the full names that end so."""
        found: dict[str, set] = {}
        for name, entry in self.objects.items():
            parts = name.split(".")
            if entry.objtype in KINDS and not entry.aliased:
                for n in range(1, len(parts)):
                    found.setdefault(".".join(parts[-n:]), set()).add(name)
        return found

    def _object(self, text):
        if path := PATH.fullmatch(text):
            text = "course_lib." + path[1].replace("/", ".")
        text = text.removesuffix("()")
        if not NAME.fullmatch(text):
            return None
        if text in self.objects:
            return text
        names = self.by_name.get(text, set())
        here = self.env.current_document.docname
        near = {name for name in names if self.objects[name].docname == here}
        plain = {name for name in names if self.objects[name].objtype in ("function", "class", "exception")}
        for chosen in (near, plain if "." not in text else names):
            if len(chosen) == 1:
                return next(iter(chosen))
        return None

    def _link(self, literal, name):
        entry = self.objects[name]
        here = self.env.current_document.docname
        uri = self.app.builder.get_relative_uri(here, entry.docname)
        link = nodes.reference("", "", internal=True, refuri=f"{uri}#{entry.node_id}", classes=["implied"])
        literal.replace_self(link)
        link += literal

    def _with_lessons(self, text):
        """The text in pieces, numbers of lessons that are here as links."""
        here = self.env.current_document.docname
        end = 0
        for several in LESSONS.finditer(text):
            for match in ONE.finditer(text, several.start(), several.end()):
                page = self.lessons.get(match[1])
                if page and page != here:
                    yield nodes.Text(text[end : match.start()])
                    uri = self.app.builder.get_relative_uri(here, page)
                    yield nodes.reference("", match[0], internal=True, refuri=uri, classes=["implied"])
                    end = match.end()
        yield nodes.Text(text[end:])


def setup(app) -> dict:
    """Called by Sphinx."""
    app.add_post_transform(ImpliedLinks)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
