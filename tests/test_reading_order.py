"""The course's one list: table of contents, order of reading, and the rule for imports at once.

A module imports only from modules above it. So there are no cycles, and any file can be read knowing only what
came before it.
"""

import ast
import subprocess
import sys

import pytest

READING_ORDER = """
    doors.settings doors.json_file doors.folders doors.files doors.terminal

    worlds.storyworld.lexicon worlds.storyworld.places worlds.storyworld.world worlds.storyworld.chooser
    worlds.storyworld.teller worlds.storyworld.scenery worlds.storyworld.nature
    worlds.storyworld.going worlds.storyworld.having worlds.storyworld.giving
    worlds.storyworld.making worlds.storyworld.feeling worlds.storyworld.talking worlds.storyworld.asking
    worlds.storyworld.ending worlds.storyworld.plot worlds.storyworld.story worlds.storyworld
    worlds.storyworld.judge

    text.texts text.ids text.download text.fineweb
    text.place_names text.pydoc_text text.python_source text.corpora
    text.pretokenize text.vocabulary text.long_words text.bpe text.tokenizer
    text.token_file text.permutation text.windows text.dataset text.prepare

    byhand.counts byhand.smoothing byhand.ngram byhand.kneser_ney byhand.interpolation byhand.bar byhand.memorisation
    byhand.functional byhand.gradcheck byhand.mlp byhand.autograd byhand.optim byhand.attention

    model.config model.ids model.norm model.position model.kv_cache model.attention model.feedforward model.block
    model.gpt model.pretrained

    training.config training.device training.ranks training.distributed training.loss training.optim
    training.loss_scale training.muon
    training.schedule training.autocast_list training.cost training.counting training.recompute training.hardware
    training.plan training.fitting training.gradients
    training.evaluate training.disk training.run_folder training.identity training.checkpoint training.pretrained
    training.trainer
    training.ladder

    generation.ranking generation.sampling generation.penalties generation.evaluation_mode generation.folding
    generation.numpy_decoder generation.static_cache generation.generate
    generation.beam generation.automaton generation.pattern generation.constrained generation.speculative
    generation.stopping

    lab.expect lab.progress lab.results
    lab.plots.rounding lab.plots.fonts lab.plots.theme lab.plots.figure lab.plots.tokens lab.plots.html
    lab.plots.grids
    lab.plots.attention lab.plots.curves lab.plots.bars lab.plots.histograms lab.plots.graphs lab.plots.trees
    lab.plots.trade_offs lab.plots.timelines lab.plots.surface lab.plots.word_map lab.plots
    lab.plots.gallery.text lab.plots.gallery.computations lab.plots.gallery.training lab.plots.gallery
    lab.public_checks lab.attempts lab.standing_table lab.course_map lab.scoreboard
    lab.widgets.cells lab.widgets.picture lab.widgets.control lab.widgets.front lab.widgets.base
    lab.widgets.frame lab.widgets.explore lab.widgets.next_token lab.widgets.training lab.widgets.live_map
    lab.widgets.markup lab.widgets.axes lab.widgets.stepper lab.widgets.attention_viewer
    lab.widgets.merge_steps lab.widgets.merge_stepper
    lab.widgets.graph_layout lab.widgets.graph_steps lab.widgets.graph_stepper
    lab.widgets.computation lab.widgets.reach lab.widgets.microscope_cards lab.widgets.microscope
    lab.widgets
    classroom.checking.plain classroom.checking.side_by_side classroom.checking.nearness
    classroom.checking.compare classroom.checking.exercise
    classroom.checking.open_question classroom.checking.time_limit classroom.checking.stand_ins
    classroom.checking.twins classroom.checking.forbid
    classroom.checking.students_code classroom.checking.arguments classroom.checking.returned
    classroom.checking.asking classroom.checking.kept_state classroom.checking.examples classroom.checking.probing
    classroom.checking.beside classroom.checking.surprise classroom.checking.sizes classroom.checking.cases
    classroom.checking.quotients classroom.checking.changed classroom.checking.rearranged classroom.checking.fitted
    classroom.checking.relations classroom.checking.entries classroom.checking.explain classroom.checking.known
    classroom.checking.diagnose classroom.checking.properties classroom.checking.checks
    classroom.checking.start classroom

    classroom.authoring.launch classroom.authoring.exercise classroom.authoring.lint
    classroom.authoring.probe_source classroom.authoring.checks_files classroom.authoring.further_runs
    classroom.authoring.variants classroom.authoring.record
    classroom.authoring.answers classroom.authoring.ways_round classroom.authoring.announced
    classroom.authoring.prove classroom.authoring.leaks
    classroom.authoring.nbgrader_cells classroom.authoring.lesson_checks classroom.authoring.execute
    classroom.authoring.build classroom.authoring.skeleton

    classroom.grading.sandbox.limits classroom.grading.sandbox.seccomp classroom.grading.sandbox.usage
    classroom.grading.sandbox.cgroup classroom.grading.sandbox.bubblewrap classroom.grading.sandbox.messages
    classroom.grading.sandbox.watch classroom.grading.sandbox.rounds classroom.grading.sandbox.shell
    classroom.grading.sandbox.forks classroom.grading.sandbox.inside
    classroom.grading.student_text classroom.grading.troubles classroom.grading.folders classroom.grading.naming
    classroom.grading.downloads classroom.grading.intake.reading classroom.grading.intake.archive
    classroom.grading.intake.matching classroom.grading.intake.rebuilding classroom.grading.intake.choosing
    classroom.grading.intake.apart classroom.grading.sorting classroom.grading.collect classroom.grading.release
    classroom.grading.assignment classroom.grading.marking classroom.grading.records classroom.grading.markup
    classroom.grading.display classroom.grading.rows classroom.grading.database classroom.grading.gradebook
    classroom.grading.kept_runs classroom.grading.jobs classroom.grading.batch classroom.grading.cluster
    classroom.grading.report
    classroom.grading.feedback classroom.grading.tables classroom.grading.similar classroom.grading.stats

    doctor.finding doctor.machine doctor.software doctor.kernel doctor
    cli.doctor cli.data cli.columns cli.generate cli.samples cli.drain cli.text_of_run cli.run cli.train cli.plan
    cli.exercises
    cli.classroom cli __main__
""".split()

NO_TORCH = ("doors.", "worlds.", "text.", "byhand.", "doctor.")
MEETS_BOTH = ("lab.",)  # the one package beside tests and notebooks where byhand and model may meet
MAY_LOOK_ANYWHERE = ("cli", "doctor")  # inside functions: a command imports what it runs


@pytest.fixture(scope="module")
def files(repository):
    """Module → path; a package's __init__ is named after the package."""
    found = {}
    for path in sorted((repository / "course_lib").rglob("*.py")):
        name = ".".join(path.relative_to(repository / "course_lib").with_suffix("").parts)
        found[name.removesuffix(".__init__")] = path
    del found["__init__"]
    return found


def imported(path, files, *, functions=True):
    """Modules of the package that a file imports, without `course_lib.`; with or without those in functions."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    nodes = list(ast.walk(tree))
    if not functions:
        inside = {n for f in nodes if isinstance(f, (ast.FunctionDef, ast.Lambda)) for n in ast.walk(f)}
        nodes = [n for n in nodes if n not in inside]
    for node in nodes:
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path}: say course_lib.… in full"
            inside = [f"{node.module}.{alias.name}" for alias in node.names]  # a module, or a name of one
            names = [name if name.removeprefix("course_lib.") in files else node.module for name in inside]
        else:
            continue
        yield from (name.removeprefix("course_lib.") for name in names if name.startswith("course_lib."))


def is_empty(path):
    """Whether a file holds nothing but a docstring."""
    body = ast.parse(path.read_text(encoding="utf-8")).body
    return all(isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) for node in body)


def test_the_list_is_complete(files):
    assert len(set(READING_ORDER)) == len(READING_ORDER)
    held = {name for name, path in files.items() if not (path.name == "__init__.py" and is_empty(path))}
    assert held - set(READING_ORDER) == set(), "not in READING_ORDER"
    assert set(READING_ORDER) - held == set(), "in READING_ORDER, but there is no such file"


def test_the_readme_shows_the_packages_in_this_order(repository):
    readme = (repository / "README.md").read_text(encoding="utf-8")
    table = readme.partition("## The package\n")[2].partition("\n## ")[0]
    shown = [line.split("`")[1] for line in table.splitlines() if line.startswith("| `")]
    assert shown == list(dict.fromkeys(name.partition(".")[0] for name in READING_ORDER if "." in name))


def test_imports_only_look_back(files):
    place = {name: number for number, name in enumerate(READING_ORDER)}
    wrong = []
    for name in READING_ORDER:
        for other in imported(files[name], files, functions=not name.startswith(MAY_LOOK_ANYWHERE)):
            if other in place and place[other] >= place[name]:
                wrong.append(f"{name} imports {other}, which has not been read yet")
    assert wrong == []


def test_byhand_and_model_do_not_know_each_other(files):
    for name, path in files.items():
        sides = {other.partition(".")[0] for other in imported(path, files)} & {"byhand", "model"}
        assert len(sides) < 2 or name.startswith(MEETS_BOTH), f"{name} imports both"
        assert not (name.startswith("byhand") and "model" in sides), name
        assert not (name.startswith("model") and "byhand" in sides), name


def test_worlds_text_and_byhand_never_load_torch(files):
    """In a fresh interpreter: whatever these modules import, torch is not among it."""
    names = [f"course_lib.{name}" for name in files if f"{name}.".startswith(NO_TORCH)]
    names.append("course_lib")
    code = "\n".join(
        f"import {name}; assert 'torch' not in sys.modules, '{name} loads torch'" for name in sorted(names)
    )
    done = subprocess.run([sys.executable, "-c", f"import sys\n{code}"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_importing_the_package_loads_nothing_heavy():
    code = "import sys, course_lib; print(*sorted({'numpy', 'torch', 'matplotlib', 'babel'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "\n"
