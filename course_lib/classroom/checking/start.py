"""A copy of an exercise to work in, made once and never touched again. Used by the exercises of all lessons."""

from pathlib import Path

from course_lib.lab.results import course_root, work_folder


def start(name: str) -> tuple[Path, bool]:
    """Copy exercises/NN_name/NN_name.ipynb into work/NN_name/; (the copy, whether it was made just now).

    A copy that is there already stays as it is, whatever the course has become since. Its checks are read from the
    course, so they are never out of date. `name`: "12_gpt", or its number. Raises ValueError for an unknown one.
    """
    known = {path.name: path for path in sorted((course_root() / "exercises").glob("[0-9]*/")) if path.is_dir()}
    matching = [path for stem, path in known.items() if name in (stem, stem.partition("_")[0])]
    if not matching:
        raise ValueError(f"there are no exercises {name!r}; there are: {', '.join(known) or 'none yet'}")
    notebook = matching[0] / f"{matching[0].name}.ipynb"
    target = work_folder() / matching[0].name / notebook.name
    target.parent.mkdir(parents=True, exist_ok=True)
    text = notebook.read_bytes()
    part = target.with_name(f".{target.name}.part")
    part.write_bytes(text)
    try:
        target.hardlink_to(part)  # fails where there is a copy, and never shows half of one
    except OSError:
        if target.exists():
            return target, False
        part.replace(target)  # a file system without links
    finally:
        part.unlink(missing_ok=True)
    return target, True
