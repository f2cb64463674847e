import json

import numpy as np
import pytest

from course_lib.text.token_file import TokenFile, header_path, write_ids


class Bytes:
    """A tokenizer as small as one can be: the UTF-8 bytes, and 256 for the end of a text."""

    def __init__(self, vocab_size=257, end_of_text=256):
        self.vocab_size, self.end_of_text = vocab_size, end_of_text

    def encode(self, text):
        return list(text.encode("utf-8", "surrogatepass"))


def test_layout_and_header(tmp_path):
    info = write_ids(tmp_path / "new" / "a.bin", (text for text in ["ab", "", "é"]), Bytes())
    assert info.ids.tolist() == [256, 97, 98, 256, 256, 0xC3, 0xA9, 256]
    assert (info.dtype, info.n_ids, info.n_documents, info.n_bytes) == ("uint16", 8, 3, 4)
    assert TokenFile.open(info.path) == info
    assert info.path.read_bytes() == np.array(info.ids, dtype="<u2").tobytes()
    assert sorted(p.name for p in info.path.parent.iterdir()) == ["a.bin", "a.bin.json"]
    with pytest.raises(ValueError, match="read-only"):
        info.ids[0] = 1


def test_without_end_of_text_documents_adjoin(tmp_path):
    info = write_ids(tmp_path / "a.bin", ["ab", "c"], Bytes(end_of_text=None))
    assert info.ids.tolist() == [97, 98, 99] and info.end_of_text is None


def test_a_lone_str_is_one_document(tmp_path):
    info = write_ids(tmp_path / "a.bin", "hello", Bytes())
    assert (info.n_documents, info.n_ids) == (1, 7)


@pytest.mark.parametrize(("vocab_size", "dtype"), [(2**16, "uint16"), (2**16 + 1, "uint32")])
def test_ids_as_wide_as_the_vocabulary_needs(tmp_path, vocab_size, dtype):
    class Largest(Bytes):
        def encode(self, text):
            return [self.vocab_size - 1]

    info = write_ids(tmp_path / "a.bin", ["x"], Largest(vocab_size))
    assert info.dtype == dtype and info.ids.tolist() == [256, vocab_size - 1, 256]


@pytest.mark.parametrize("bad", [-1, 257])
def test_a_tokenizer_that_contradicts_itself(tmp_path, bad):
    class Wrong(Bytes):
        def encode(self, text):
            return [1, bad]

    with pytest.raises(ValueError, match=f"{bad}.*vocab_size=257"):
        write_ids(tmp_path / "a.bin", ["x"], Wrong())
    assert not (tmp_path / "a.bin").exists()


def test_nothing_to_write_leaves_an_earlier_file_whole(tmp_path):
    info = write_ids(tmp_path / "a.bin", ["kept"], Bytes())
    with pytest.raises(ValueError, match="0 documents"):
        write_ids(info.path, [], Bytes())
    assert TokenFile.open(info.path).n_ids == 6


def test_missing_truncated_and_foreign_files(tmp_path):
    with pytest.raises(FileNotFoundError, match="no.bin.*write_ids"):
        TokenFile.open(tmp_path / "no.bin")
    (tmp_path / "other.bin").write_bytes(b"PK\x03\x04")
    with pytest.raises(ValueError, match="not a token file.*other.bin.json"):
        TokenFile.open(tmp_path / "other.bin")

    info = write_ids(tmp_path / "a.bin", ["hello"], Bytes())
    with open(info.path, "r+b") as file:
        file.truncate(9)
    with pytest.raises(ValueError, match="9 bytes.*promises 14.*7 ids"):
        TokenFile.open(info.path)


@pytest.mark.parametrize("text", ["", "{", "[1]", "{}", '{"kind": "course token ids", "format": 2}', "\x00"])
def test_headers_of_something_else(tmp_path, text):
    info = write_ids(tmp_path / "a.bin", ["hello"], Bytes())
    header_path(info.path).write_text(text)
    with pytest.raises(ValueError, match="a.bin.json is not .*header"):
        TokenFile.open(info.path)


@pytest.mark.parametrize("change", [{"dtype": "float64"}, {"surprise": 1}])
def test_headers_with_other_fields(tmp_path, change):
    info = write_ids(tmp_path / "a.bin", ["hello"], Bytes())
    header = json.loads(header_path(info.path).read_text()) | change
    header_path(info.path).write_text(json.dumps(header))
    with pytest.raises(ValueError, match="should give"):
        TokenFile.open(info.path)
