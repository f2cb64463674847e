"""Downloads that are verified, resumed and cached, and what to do offline. Used by lesson 12 (gpt).

Files are looked up by name in the folders of COURSE_DATA (never written to), then in the cache (COURSE_CACHE, or
the user's cache folder), and only then on the network.
"""

import hashlib
import os
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path

from course_lib.doors.files import move
from course_lib.doors.folders import FolderError, cache_folder, data_folders, make_folder, reason

CHUNK = 1 << 20
TIMEOUT_SECONDS = 30
ATTEMPTS = 5  # a connection that breaks off is taken up again this often, where each attempt brings something


class DownloadError(RuntimeError):
    """A file could not be had. One line: which file, why, and what to do."""


@dataclass(frozen=True, kw_only=True)
class Download:
    """A file of known content: size in bytes and sha256 say whether what arrived is what was meant."""

    name: str        # of the file, in COURSE_DATA and in the cache
    url: str
    size: int
    sha256: str
    licence: str
    substitute: str  # what to use without it, offline: completes "use …"


def fetch(item: Download, *, progress: Callable[[int, int], None] | None = None) -> Path:
    """The path of the verified file, downloaded if need be.

    progress(bytes so far, bytes in all) is called as the file arrives. A broken download stays as `name.part` and
    is resumed by the next call; the file gets its name only when size and sha256 are right. Raises DownloadError.
    """
    found = locate(item)
    if found is not None:
        return found
    path, part = cache_folder() / item.name, cache_folder() / f"{item.name}.part"
    try:
        make_folder(path.parent, way_out="let COURSE_CACHE name a folder that can hold downloads")
    except FolderError as error:
        raise DownloadError(f"there is no place for {item.name} from {item.url}: {error}, or put the file into a "
                            f"folder named by COURSE_DATA, or use {item.substitute}") from error
    try:
        for _ in range(ATTEMPTS):
            before = _size(part)
            _download(item, part, progress or (lambda done, of: None))
            if not (wrong := _what_is_wrong(item, part)):
                move(part, path)
                return path
            if _size(part) >= item.size:
                part.unlink()  # nothing to resume; what came after an older part is asked for once more, whole
                if before == 0:
                    break
            elif _size(part) == before:
                break
    except (OSError, HTTPException) as error:  # URLError and HTTPError are OSErrors
        raise DownloadError(f"{item.name} could not be downloaded from {item.url} ({_reason(error)}); "
                            f"{_way_out(item)}") from error
    raise DownloadError(f"{item.name}: what {item.url} sent {wrong}; {_way_out(item)}")


def locate(item: Download) -> Path | None:
    """Where the verified file already is, or None; uses no network.

    A file of that name in COURSE_DATA that is not the file meant raises DownloadError: it is not ours to replace.
    One in the cache is ours, and is simply downloaded again.
    """
    for folder in data_folders():
        path = folder / item.name
        if os.path.isfile(path):
            if wrong := _what_is_wrong(item, path):
                raise DownloadError(f"{path} (from COURSE_DATA) {wrong}; replace or remove it, or unset COURSE_DATA")
            return path
    path = cache_folder() / item.name
    return path if os.path.isfile(path) and not _what_is_wrong(item, path) else None


def _download(item, part, progress):
    """Append to `part` what is missing, as far as the connection carries."""
    have = _size(part)
    if have == item.size:
        return  # all there, only not renamed yet; or another file's part, as the caller will find
    request = urllib.request.Request(item.url, headers={"User-Agent": "course-lib", "Accept-Encoding": "identity"})
    if have:
        request.add_header("Range", f"bytes={have}-")
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as answer:
            starts_at = f"bytes {have}-"
            if have and not (answer.status == 206 and answer.headers.get("Content-Range", "").startswith(starts_at)):
                have = 0  # this server ignores Range and sends the whole file
            with open(part, "ab" if have else "wb") as file:
                _copy(answer, file, have, item.size, progress)
    except urllib.error.HTTPError as error:
        if error.code != 416:
            raise
        part.write_bytes(b"")  # "range not satisfiable": our part is longer than their file; begin again


def _copy(answer, file, have, size, progress):
    try:
        # A byte more than promised shows a wrong size; an endless answer must not fill the disk.
        while have <= size and (data := answer.read(min(CHUNK, size + 1 - have))):
            file.write(data)
            have += len(data)
            progress(have, size)
    except (ConnectionError, TimeoutError, HTTPException):
        pass  # the connection broke off: what arrived is kept, and the caller looks at its size


def _size(path):
    return os.path.getsize(path) if os.path.exists(path) else 0


def _what_is_wrong(item, path):
    """"" if the file is the one meant, else what differs, as the end of a sentence."""
    try:
        size = path.stat().st_size
        if size != item.size:
            return f"has {size:,} bytes instead of {item.size:,}"
        with open(path, "rb") as file:
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        return f"cannot be read ({reason(error)})"
    return "" if sha256 == item.sha256 else f"has sha256 {sha256[:12]}… instead of {item.sha256[:12]}…"


def _reason(error):
    reason = getattr(error, "reason", None) or getattr(error, "strerror", None) or error or type(error).__name__
    code = getattr(error, "code", None)
    return " ".join(f"{code or ''} {reason}".split())  # one line, whatever the server said


def _way_out(item):
    return (f"try again, or put {item.name} into {cache_folder()} or a folder named by COURSE_DATA, "
            f"or use {item.substitute}")


# What we know the size and sha256 of; later lessons add theirs.
_RAW, _SQUAD = "https://raw.githubusercontent.com", "https://rajpurkar.github.io/SQuAD-explorer/dataset"
TINY_SHAKESPEARE = Download(
    name="tinyshakespeare.txt", size=1_115_394, licence="public domain",
    url=f"{_RAW}/karpathy/char-rnn/master/data/tinyshakespeare/input.txt",
    sha256="86c4e6aa9db7c042ec79f339dcb96d42b0075e16b8fc2e86bf0ca57e2dc565ed",
    substitute="the corpus pydoc, which is longer and about as hard to predict")
NAMES = Download(
    name="names.txt", size=228_145, licence="MIT", url=f"{_RAW}/karpathy/makemore/master/names.txt",
    sha256="0a30b5557f192f32ab962680889aac5f6fda0f4cecf40a6d0b5694f58ea8cc4d",
    substitute="the corpus place_names")
SQUAD_TRAIN = Download(
    name="train-v1.1.json", size=30_288_272, licence="CC BY-SA 4.0", url=f"{_SQUAD}/train-v1.1.json",
    sha256="3527663986b8295af4f7fcdff1ba1ff3f72d07d61a20f487cb238a6ef92fd955",
    substitute="the questions of the corpus storyworld")
SQUAD_DEV = Download(
    name="dev-v1.1.json", size=4_854_279, licence="CC BY-SA 4.0", url=f"{_SQUAD}/dev-v1.1.json",
    sha256="95aa6a52d5d6a735563366753ca50492a658031da74f301ac5238b03966972c9",
    substitute="the questions of the corpus storyworld")
DOWNLOADS = (TINY_SHAKESPEARE, NAMES, SQUAD_TRAIN, SQUAD_DEV)
