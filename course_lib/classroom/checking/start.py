"""A copy of an exercise to work in, made once and never touched again. Used by the exercises of all lessons."""

import os
from pathlib import Path

from course_lib.doors.files import move
from course_lib.doors.folders import OWN_FOLDER, course_root, make_folder, work_folder


def start(name: str) -> tuple[Path, bool]:
    """Copy exercises/NN_name/NN_name.ipynb into work/NN_name/; (the copy, whether it was made just now).

    A copy that is there already stays as it is, whatever the course has become since. Its checks are read from the
    course, so they are never out of date. `name`: "12_gpt", or its number. Raises ValueError for an unknown one,
    FolderError where there is no place for the copy.
    """
    known = {path.name: path for path in sorted((course_root() / "exercises").glob("[0-9]*/")) if os.path.isdir(path)}
    matching = [path for stem, path in known.items() if name in (stem, stem.partition("_")[0])]
    if not matching:
        raise ValueError(f"there are no exercises {name!r}; there are: {', '.join(known) or 'none yet'}")
    notebook = matching[0] / f"{matching[0].name}.ipynb"
    target = work_folder() / matching[0].name / notebook.name
    if os.path.exists(target):
        return target, False
    make_folder(target.parent, way_out=OWN_FOLDER)
    text = notebook.read_bytes()
    part = target.with_name(f".{target.name}.part")
    part.write_bytes(text)
    try:
        target.hardlink_to(part)  # fails where there is a copy, and never shows half of one
    except (OSError, NotImplementedError):
        if os.path.exists(target):
            return target, False
        move(part, target)  # a file system without links
    finally:
        part.unlink(missing_ok=True)
    return target, True
