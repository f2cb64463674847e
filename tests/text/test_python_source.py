import tracemalloc

import pytest

from course_lib.text.python_source import PythonSource, SeenLines

LICENCE = "# Permission is hereby granted to everybody, and to nobody else.\n"


@pytest.fixture
def packages(tmp_path):
    files = {
        "b/two.py": LICENCE + "y = 2\n", "a/one.py": LICENCE + "x = 1\n", "a/__pycache__/no.py": "no\n",
        "a/only_licence.py": LICENCE, "a/data.txt": "no\n", "c/latin1.py": None, "c/large.py": "z = 1\n" * 200_000,
        "c/last.py": "def last():\n    return 'a line that is certainly new'\n",
    }
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes("# é".encode("latin-1") if text is None else text.encode())
    return tmp_path


def test_files_in_order_without_lines_seen_before(packages):
    expected = [LICENCE + "x = 1\n", "y = 2\n", "def last():\n    return 'a line that is certainly new'\n"]
    source = PythonSource([packages])
    assert list(source) == expected
    assert list(source) == expected  # from the beginning again
    assert list(PythonSource([packages, packages / "."])) == expected  # one folder under two names


def test_max_chars_ends_the_corpus_after_the_file_that_reaches_it(packages):
    assert len(list(PythonSource([packages], max_chars=1))) == 1
    assert len(list(PythonSource([packages], max_chars=len(LICENCE) + 7))) == 2


def test_installed_packages_are_found_without_reading_them_all():
    source = iter(PythonSource(max_chars=100_000))
    assert "import" in "".join(next(source) for _ in range(3))


def test_short_lines_and_repetitions_within_a_file_stay():
    seen, long = SeenLines(), "this_line_is_long_enough = True\n"
    text = f"if x:\n    return 1\n{long}else:\n    {long}"
    assert seen.without_duplicates(text) == text
    assert seen.without_duplicates(f"{text}new\n") == "if x:\n    return 1\nelse:\nnew\n"


def test_few_new_lines_are_taken_for_old_ones(monkeypatch):
    """k = 2 bits for each of n lines in a table of m bits: a share of about (1 - exp(-2 n / m))^2 is mistaken."""
    monkeypatch.setattr(SeenLines, "BITS", 1 << 17)
    seen = SeenLines()
    seen.without_duplicates("".join(f"value_number_{i} = {i * 7919}\n" for i in range(10_000)))
    asked = "".join(f"other_number_{i} = {i * 7919} # new\n" for i in range(10_000))
    missing = 1 - seen.without_duplicates(asked).count("\n") / 10_000
    assert 0.010 < missing < 0.035  # expected 0.020; with one bit, or two that depend on each other, 0.14


def test_memory_does_not_grow_with_the_corpus(tmp_path, monkeypatch):
    monkeypatch.setattr(SeenLines, "BITS", 1 << 20)

    def peak(n_files):
        for i in range(n_files):
            (tmp_path / f"{i:03}.py").write_text("".join(f"a_long_line_of_file_{i}_{j} = 1\n" for j in range(1500)))
        tracemalloc.start()
        chars = sum(map(len, PythonSource([tmp_path])))
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return chars, most

    (few_chars, few), (many_chars, many) = peak(4), peak(20)
    assert many_chars > 4.5 * few_chars and many < 1.3 * few
