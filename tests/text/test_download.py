import hashlib
import os
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from course_lib.doors.folders import cache_folder, data_folders
from course_lib.text.download import DOWNLOADS, Download, DownloadError, fetch, locate

CONTENT = bytes(range(256)) * 40  # 10,240 bytes


class Server(ThreadingHTTPServer):
    """Answers GET by calling `behaviour(handler, asked_from)`; `ranges` lists the Range headers it was sent."""

    def __init__(self, behaviour):
        super().__init__(("127.0.0.1", 0), Handler)
        self.behaviour, self.ranges = behaviour, []


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        header = self.headers.get("Range")
        self.server.ranges.append(header)
        self.server.behaviour(self, int(header.removeprefix("bytes=").removesuffix("-")) if header else 0)

    def log_message(self, *args):
        pass


def send(handler, content, start=0, *, stop=None, ranges=True):
    """content[start:] as a well-behaved server sends it, except that the connection ends at `stop`."""
    start = start if ranges else 0
    handler.send_response(206 if start else 200)
    if start:
        handler.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
    handler.send_header("Content-Length", str(len(content) - start))
    handler.end_headers()
    handler.wfile.write(content[start:stop])


@pytest.fixture
def serve():
    servers = []

    def start(behaviour):
        server = Server(behaviour)
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        servers.append(server)
        return server

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.fixture(autouse=True)
def folders(tmp_path, monkeypatch):
    monkeypatch.setenv("COURSE_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("COURSE_DATA", raising=False)
    for name in ("http_proxy", "HTTP_PROXY"):
        monkeypatch.delenv(name, raising=False)


def item(server=None, content=CONTENT, **changes):
    port = server.server_port if server else 9
    return Download(**{"name": "a.txt", "url": f"http://127.0.0.1:{port}/a.txt", "size": len(content),
                       "sha256": hashlib.sha256(content).hexdigest(), "licence": "none",
                       "substitute": "the corpus pydoc", **changes})


def left_in_cache():
    return sorted(path.name for path in cache_folder().iterdir())


def test_downloads_once_and_reports_progress(serve):
    server, seen = serve(lambda h, start: send(h, CONTENT, start)), []
    path = fetch(item(server), progress=lambda done, of: seen.append((done, of)))
    assert path == cache_folder() / "a.txt" and path.read_bytes() == CONTENT
    assert left_in_cache() == ["a.txt"] and seen[-1] == (len(CONTENT), len(CONTENT))
    assert fetch(item(server)) == path and server.ranges == [None]


def test_a_damaged_file_in_the_cache_is_downloaded_again(serve):
    server = serve(lambda h, start: send(h, CONTENT, start))
    fetch(item(server)).write_bytes(CONTENT[:-1] + b"!")
    assert locate(item(server)) is None
    assert fetch(item(server)).read_bytes() == CONTENT and server.ranges == [None, None]


def test_truncated_answers_are_resumed_where_they_broke_off(serve):
    server = serve(lambda h, start: send(h, CONTENT, start, stop=start + 4000))
    assert fetch(item(server)).read_bytes() == CONTENT
    assert server.ranges == [None, "bytes=4000-", "bytes=8000-"]


def test_an_earlier_part_is_resumed(serve):
    cache_folder().mkdir()
    (cache_folder() / "a.txt.part").write_bytes(CONTENT[:1000])
    server = serve(lambda h, start: send(h, CONTENT, start))
    assert fetch(item(server)).read_bytes() == CONTENT and server.ranges == ["bytes=1000-"]


def test_a_finished_part_only_needs_its_name():
    cache_folder().mkdir()
    (cache_folder() / "a.txt.part").write_bytes(CONTENT)
    assert fetch(item()).read_bytes() == CONTENT and left_in_cache() == ["a.txt"]


def test_an_endlessly_truncating_server_leaves_a_part_for_later(serve):
    server = serve(lambda h, start: send(h, CONTENT, start, stop=max(start, 4000)))
    with pytest.raises(DownloadError, match="4,000 bytes instead of 10,240"):
        fetch(item(server))
    assert left_in_cache() == ["a.txt.part"] and server.ranges == [None, "bytes=4000-"]


def test_a_server_that_ignores_range_sends_everything_again(serve):
    def whole(h, start):
        send(h, CONTENT, ranges=False, stop=4000 if len(server.ranges) == 1 else None)

    server = serve(whole)
    assert fetch(item(server)).read_bytes() == CONTENT and server.ranges == [None, "bytes=4000-"]


def test_a_server_that_resumes_somewhere_else_is_not_believed(serve):
    def elsewhere(h, start):
        h.send_response(206)
        h.send_header("Content-Range", f"bytes 0-{len(CONTENT) - 1}/{len(CONTENT)}")
        h.end_headers()
        h.wfile.write(CONTENT)

    cache_folder().mkdir()
    (cache_folder() / "a.txt.part").write_bytes(CONTENT[:1000])
    assert fetch(item(serve(elsewhere))).read_bytes() == CONTENT


@pytest.mark.parametrize("stale", [b"x" * 1000, b"x" * len(CONTENT), b"x" * 20_000])
def test_a_part_of_something_else_is_thrown_away(serve, stale):
    def answer(h, start):
        if start >= len(CONTENT):
            h.send_error(416)
        else:
            send(h, CONTENT, start)

    cache_folder().mkdir()
    (cache_folder() / "a.txt.part").write_bytes(stale)
    assert fetch(item(serve(answer))).read_bytes() == CONTENT
    assert left_in_cache() == ["a.txt"]


@pytest.mark.parametrize(("sent", "message"), [
    (b"?" * len(CONTENT), r"sha256 [0-9a-f]{12}… instead of [0-9a-f]{12}…"),
    (CONTENT * 2, "10,241 bytes instead of 10,240"),
    (b"", "0 bytes instead of 10,240"),
])
def test_other_content_is_refused(serve, sent, message):
    server = serve(lambda h, start: send(h, sent, start))
    with pytest.raises(DownloadError, match=message):
        fetch(item(server))
    assert "a.txt" not in left_in_cache() and len(server.ranges) == 1


def test_an_endless_answer_does_not_fill_the_disk(serve):
    def endless(h, start):
        h.send_response(200)
        h.end_headers()
        try:
            while True:
                h.wfile.write(b"?" * 4096)
        except OSError:
            pass

    with pytest.raises(DownloadError, match="10,241 bytes"):
        fetch(item(serve(endless)))
    assert left_in_cache() == []


def assert_helpful(error, *words):
    message = str(error.value)
    for word in ["a.txt", "127.0.0.1", str(cache_folder()), "COURSE_DATA", "the corpus pydoc", *words]:
        assert word in message
    assert "\n" not in message


def test_not_found(serve):
    server = serve(lambda h, start: h.send_error(404, "Gone for good"))
    with pytest.raises(DownloadError) as error:
        fetch(item(server))
    assert_helpful(error, "404 Gone for good")
    assert len(server.ranges) == 1


def test_connection_refused():
    with pytest.raises(DownloadError) as error:
        fetch(item())  # nobody listens on port 9
    assert_helpful(error, "refused")


def test_no_place_to_write(tmp_path):
    (tmp_path / "cache").write_text("a file where the folder should be")
    with pytest.raises(DownloadError) as error:
        fetch(item())
    assert_helpful(error, "exists")


def test_course_data_is_searched_first_and_in_order(tmp_path, monkeypatch):
    for folder, content in [("one", None), ("two", CONTENT), ("three", b"later")]:
        (tmp_path / folder).mkdir()
        if content is not None:
            (tmp_path / folder / "a.txt").write_bytes(content)
    names = [tmp_path / "absent", *(tmp_path / folder for folder in ("one", "two", "three"))]
    monkeypatch.setenv("COURSE_DATA", os.pathsep.join(map(str, names)))
    assert data_folders() == names
    assert fetch(item()) == tmp_path / "two" / "a.txt"
    assert not cache_folder().exists()


@pytest.mark.parametrize("content", [CONTENT[:100], b"?" * len(CONTENT)])
def test_a_wrong_file_in_course_data_is_named_and_left_alone(tmp_path, monkeypatch, content):
    (tmp_path / "a.txt").write_bytes(content)
    monkeypatch.setenv("COURSE_DATA", str(tmp_path))
    with pytest.raises(DownloadError, match=r"a.txt \(from COURSE_DATA\) has .* instead of .*replace or remove"):
        fetch(item())
    assert (tmp_path / "a.txt").read_bytes() == content


def test_the_known_files_are_completely_described():
    assert "tinyshakespeare.txt" in [known.name for known in DOWNLOADS]
    for field in ("name", "url", "sha256"):
        assert len({getattr(known, field) for known in DOWNLOADS}) == len(DOWNLOADS)
    for known in DOWNLOADS:
        assert known.url.startswith("https://") and "/" not in known.name and known.size > 0
        assert re.fullmatch("[0-9a-f]{64}", known.sha256) and known.licence and known.substitute
