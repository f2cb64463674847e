import hashlib
import platform
import subprocess
import sys
import sysconfig
from pathlib import Path

import numpy as np
import pytest

from course_lib.text.corpora import CORPORA, Corpus, is_held_out, load_corpus
from course_lib.text.download import Download, DownloadError
from course_lib.text.pydoc_text import pydoc_documents


def corpus(documents, **fields):
    return Corpus(name="x", description="d", source="s", licence="l", documents=documents, **fields)


class Lazy:
    """Documents that can be iterated over, and nothing else."""

    def __init__(self, documents):
        self._documents, self.passes = documents, 0

    def __iter__(self):
        self.passes += 1
        return iter(self._documents)


DOCUMENTS = [f"document {i}" for i in range(3000)]


def test_a_tenth_is_held_out_by_content_alone():
    split = corpus(DOCUMENTS).split()
    assert sorted(split.train + split.held_out) == sorted(DOCUMENTS)
    assert abs(len(split.held_out) - 300) < 4 * np.sqrt(3000 * 0.1 * 0.9)
    fewer = corpus(DOCUMENTS[::-7] + DOCUMENTS[:1] * 2).split()
    assert set(fewer.held_out) <= set(split.held_out) and not set(fewer.held_out) & set(fewer.train)
    assert split.train == [text for text in DOCUMENTS if text in set(split.train)]  # in their order


def test_the_split_is_the_same_everywhere():
    """If this changes, all recorded figures on held-out documents are void."""
    held_out = [i for i in range(100) if is_held_out(f"document {i}")]
    by_hand = [i for i in range(100) if int(hashlib.sha256(f"document {i}".encode()).hexdigest()[:16], 16) % 10 == 0]
    assert held_out == by_hand == [4, 11, 12, 19, 25, 44, 73]


def test_lazy_documents_stay_lazy_and_split_alike():
    lazy = Lazy(DOCUMENTS)
    split, eager = corpus(lazy).split(), corpus(DOCUMENTS).split()
    assert lazy.passes == 0
    assert list(split.train) == eager.train and list(split.held_out) == eager.held_out
    assert list(split.held_out) == eager.held_out and lazy.passes == 3
    assert corpus(lazy).manifest() == corpus(DOCUMENTS).manifest()


def test_log_probs_follow_their_documents():
    log_probs = [-float(i) for i in range(3000)]
    split = corpus(DOCUMENTS, log_probs=log_probs).split()
    assert split.held_out_log_probs == [-float(text.split()[1]) for text in split.held_out]
    assert corpus(DOCUMENTS).split().held_out_log_probs is None


def test_manifest_says_what_the_text_is():
    manifest = corpus(["ab", "é", "\ud800"]).manifest()
    assert manifest == {"name": "x", "source": "s", "licence": "l", "documents": 3, "chars": 4,
                        "sha256": hashlib.sha256("ab\0é\0\ufffd".encode()).hexdigest(),
                        "python": platform.python_version()}
    assert corpus(["ab", ""]).manifest()["sha256"] != corpus(["ab"]).manifest()["sha256"]


def test_storyworld_knows_its_entropy():
    loaded = load_corpus("storyworld", min_chars=30_000, seed=5)
    again, other = (load_corpus("storyworld", min_chars=30_000, seed=seed) for seed in (5, 6))
    assert loaded.manifest() == again.manifest() and loaded.manifest()["sha256"] != other.manifest()["sha256"]
    assert 30_000 <= loaded.manifest()["chars"] < 40_000
    known = dict(zip(loaded.documents, loaded.log_probs, strict=True))
    split = loaded.split()
    assert split.held_out and split.held_out_log_probs == [known[text] for text in split.held_out]
    assert 0.1 < -sum(split.held_out_log_probs) / sum(map(len, split.held_out)) < 0.6  # nats a character
    assert len(load_corpus("storyworld", n=7).documents) == 7


def test_pydoc_and_place_names(monkeypatch):
    folder = Path(sysconfig.get_path("stdlib"), "json")  # the whole library is read in test_pydoc_text
    monkeypatch.setattr("course_lib.text.corpora.pydoc_documents", lambda: pydoc_documents(folder))
    for name in ("pydoc", "place_names"):
        loaded = load_corpus(name)
        assert loaded.manifest()["chars"] > 100_000
        split = loaded.split()
        assert 0.03 < len(split.held_out) / len(loaded.documents) < 0.17


def test_python_source_is_lazy(tmp_path):
    for i in range(40):
        (tmp_path / f"{i:02}.py").write_text(f"x = {i}\n")
    loaded = load_corpus("python_source", folders=[tmp_path])
    split = loaded.split()
    assert len(list(split.train)) + len(list(split.held_out)) == 40 and list(split.held_out)
    assert loaded.manifest()["documents"] == 40


def test_shakespeare_is_cut_like_the_published_figures(tmp_path, monkeypatch):
    text = "To be, or not to be: that is the question.\r\n" * 25
    (tmp_path / "tinyshakespeare.txt").write_bytes(text.encode())
    item = Download(name="tinyshakespeare.txt", url="http://127.0.0.1:9/", size=len(text), licence="public domain",
                    sha256=hashlib.sha256(text.encode()).hexdigest(), substitute="the corpus pydoc")
    monkeypatch.setattr("course_lib.text.corpora.TINY_SHAKESPEARE", item)
    monkeypatch.setenv("COURSE_DATA", str(tmp_path))
    loaded = load_corpus("shakespeare")
    split = loaded.split()
    assert (split.train, split.held_out) == ([text[:int(0.9 * len(text))]], [text[int(0.9 * len(text)):]])
    assert loaded.manifest()["sha256"] == item.sha256  # one document: the file itself


def test_shakespeare_offline_names_the_substitute(tmp_path, monkeypatch):
    monkeypatch.setenv("COURSE_CACHE", str(tmp_path))
    monkeypatch.delenv("COURSE_DATA", raising=False)
    for name in ("https_proxy", "HTTPS_PROXY", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")  # nobody listens there
    with pytest.raises(DownloadError, match=r"tinyshakespeare.txt .*COURSE_DATA.* pydoc"):
        load_corpus("shakespeare")


def test_unknown_names_are_answered_with_the_list():
    with pytest.raises(ValueError, match="no corpus 'shakspeare'; choose one of storyworld, pydoc, .*shakespeare"):
        load_corpus("shakspeare")


def test_each_corpus_is_described_in_one_line():
    assert list(CORPORA) == ["storyworld", "pydoc", "place_names", "python_source", "shakespeare"]
    for entry in CORPORA.values():
        assert 20 < len(entry.description) < 80 and "\n" not in entry.description
        assert entry.source and entry.licence


def test_nothing_depends_on_the_hash_seed_of_the_process():
    code = "from course_lib.text.corpora import *; print(load_corpus('place_names').manifest()['sha256'])"
    seen = {subprocess.run([sys.executable, "-c", code], env={"PYTHONHASHSEED": seed}, stdout=subprocess.PIPE,
                           check=True).stdout for seed in ("1", "2")}
    assert len(seen) == 1
