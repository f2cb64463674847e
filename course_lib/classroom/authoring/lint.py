"""What a built notebook must not contain: outputs that no other machine would print.

Part of the authors' tools; no lesson derives it. `problems` is asked by the builder before it writes and by
the tests for every committed notebook. A cell tagged `nbval-ignore-output` may depend on the time and on the
machine's speed, but it too prints no path and no address.
"""

import io
import re
import tokenize

from nbformat import NotebookNode

FOLDERS = "tmp|home|root|work|Users|opt|usr|var|mnt|private"  # where machines keep their files
PATHS = re.compile(rf"(?<![\w.:/])/(?:{FOLDERS})/\w|site-packages|ipykernel_\d|[A-Z]:\\+Users")
ADDRESS = re.compile(r"\b0x[0-9a-fA-F]{6,}\b")
TIMES = re.compile(r"^\s*%%?(?:time|timeit)\b|\bperf_counter\b|\btime\.time\(", re.MULTILINE)
NOT_REPLAYED = ("clear_output", "update_display", "input(")


def problems(nb: NotebookNode) -> list[str]:
    """One line for each thing in an executed notebook that nbval cannot replay or that betrays a machine."""
    found = ["the notebook stores widget state"] if "widgets" in nb.metadata else []
    code_cells = (cell for cell in nb.cells if cell.cell_type == "code")
    for number, cell in enumerate(code_cells, start=1):
        found += [f"code cell {number}: {what}" for what in _source_problems(cell)]
        found += [f"code cell {number}: {what}" for what in _output_problems(cell)]
    return found


def _source_problems(cell):
    tags = cell.metadata.get("tags", [])
    if _ends_with_semicolon(cell.source):
        yield "a trailing ';' does not silence the output under nbval; end a plot with plt.show()"
    for word in NOT_REPLAYED:
        if re.search(rf"(?<![\w.]){re.escape(word)}", cell.source):
            yield f"{word.rstrip('(')} cannot be replayed by nbval"
    if "nbval-skip" in tags:
        yield "the tag nbval-skip leaves later cells without this one's names; use nbval-ignore-output"
    if "nbval-ignore-output" not in tags and TIMES.search(cell.source):
        yield "takes the time without the tag nbval-ignore-output"


def _output_problems(cell):
    tags = cell.metadata.get("tags", [])
    if cell.source.strip() and cell.execution_count is None:
        yield "was not executed"
    raised = any(output.output_type == "error" for output in cell.outputs)
    if raised and "raises-exception" not in tags:
        yield "stored an error"
    if "raises-exception" in tags and not raised:
        yield "is tagged raises-exception but raised nothing"
    for output in cell.outputs:
        if output.get("name") == "stderr":
            yield f"wrote to stderr (a warning or a progress bar): {output.text.strip()[:200]!r}"
        if "image/svg+xml" in output.get("data", {}):
            yield "shows an SVG figure, which holds a date and random ids; use PNG"
        text = _text(output)
        for what, pattern in (("a machine's path", PATHS), ("a memory address", ADDRESS)):
            if match := pattern.search(text):
                yield f"prints {what}: {text[max(0, match.start() - 30) : match.end() + 30]!r}"


def _text(output):
    """Everything readable of one output; pictures inside it are left out."""
    parts = [output.get("text", ""), output.get("ename", ""), output.get("evalue", "")]
    parts += [str(value) for mime, value in output.get("data", {}).items() if not mime.startswith("image/")]
    return re.sub(r"base64,[A-Za-z0-9+/=\s]+", "", "\n".join(parts))


def _ends_with_semicolon(source):
    plain = re.sub(r"^\s*[%!].*$", "pass", source, flags=re.MULTILINE)
    layout = {tokenize.NL, tokenize.NEWLINE, tokenize.COMMENT, tokenize.ENDMARKER, tokenize.DEDENT}
    tokens = [t for t in tokenize.generate_tokens(io.StringIO(plain).readline) if t.type not in layout]
    return bool(tokens) and tokens[-1].string == ";"
