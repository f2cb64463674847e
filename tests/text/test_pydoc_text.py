import ast
import inspect
import json
import sys
from collections import Counter

import pytest

from course_lib.text.pydoc_text import docstrings, pydoc_documents

SOURCE = '''"""Module."""
class A:
    """Class.

        Indented.
    Not indented.
    """
    async def f(self):
        "Method."
        if True:
            def g(): "Nested in an if."
        try: pass
        except ValueError:
            def h(): """In a handler."""
        match self:
            case 1:
                class B: "In a case."
def empty():
    """   """
def none(): x = "not a docstring"
lambda: "nor this"
'''


def test_every_kind_of_definition_in_order():
    assert list(docstrings(SOURCE)) == [
        "Module.", "Class.\n\n    Indented.\nNot indented.", "Method.",
        "Nested in an if.", "In a handler.", "In a case."]


def test_equals_what_the_running_program_says():
    """inspect asks the imported objects; the json package holds no docstring that only one of the two can see."""
    sources = [inspect.getsource(module) for module in (json, json.decoder, json.encoder, json.scanner)]
    found = Counter(text for source in sources for text in docstrings(source))
    for thing in (json, json.loads, json.dump, json.JSONDecoder, json.JSONDecoder.raw_decode, json.JSONEncoder):
        assert found[inspect.getdoc(thing)] == 1
    assert found.total() == sum(
        ast.get_docstring(node) is not None for source in sources for node in ast.walk(ast.parse(source))
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)))


def test_bad_sources_have_none():
    assert list(docstrings("def f(:")) == list(docstrings(b"\0")) == list(docstrings(b"\xff\xfe")) == []
    assert list(docstrings(r'''"An invalid escape: \d"''')) == [r"An invalid escape: \d"]  # and no warning


def test_the_whole_corpus():
    documents = pydoc_documents()
    assert 1e6 < sum(map(len, documents)) < 4e6  # 1.9 million in 3.11
    assert len(documents) == len(set(documents)) > 3000
    assert inspect.cleandoc(json.loads.__doc__) in documents
    assert any(text.startswith('The "while" statement') for text in documents[:200])


def test_folders_are_chosen_and_the_order_is_that_of_names(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pydoc_data.topics", None)  # a Python without help topics
    for name, text in [("b.py", "second"), ("a/z.py", "third"), ("tests/t.py", "no"), ("site-packages/s.py", "no"),
                       ("a.py", "first"), ("a/y.py", "second"), ("c.txt", "no")]:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(f"'''{text}'''")
    assert pydoc_documents(tmp_path) == ["first", "second", "third"]


def test_a_python_without_sources_or_topics_says_what_to_use(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pydoc_data.topics", None)
    with pytest.raises(ValueError, match="no sources in .*storyworld"):
        pydoc_documents(tmp_path)
