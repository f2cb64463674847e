"""Exercise 02.5: the Kneser–Ney bigram model, from a text to its probabilities."""

import numpy as np

from course_lib.byhand import kneser_ney, smoothing
from course_lib.byhand.ngram import NGram
from course_lib.classroom.checking.exercise import Exercise

kneser = Exercise(
    "02.5", "kneser_ney_bigram", title="Kneser–Ney", difficulty=4, minutes=25,
    hints=(
        "Count all pairs into a table, contexts down. T(h): how many cells of row h are above 0? And the ids seen before w?",
        "q needs no counts, only which pairs exist: the number of such cells in column w, divided by their number in the whole table.",
        "With c the table and s = (c > 0): q = s.sum(0) / s.sum(); each row: (max(c − D, 0) + D · s.sum(1) · q) / c.sum(1); rows without "
        "any count become q.",
    ),
)


def some_text(rng, N=40, V=6):
    """Ids with structure; the id V − 1 stands at the very end only, so nothing ever follows it."""
    ids = [0]
    while len(ids) < N:
        ids.append(int((2 * ids[-1] + 1) % (V - 1) if rng.random() < 0.6 else rng.integers(0, V - 1)))
    return np.array([*ids, V - 1])


@kneser.probe(axes="contexts down, next ids across")
def san_francisco(ns, rng):
    """a word that has one circumstance"""
    return ns["kneser_ney_bigram"](np.array([0, 1, 0, 1, 0, 1, 0, 1, 2, 3, 4, 3, 0, 3, 2]), 5, 0.75)


@kneser.probe(axes="contexts down, next ids across")
def some_ids(ns, rng):
    """forty ids"""
    return ns["kneser_ney_bigram"](some_text(rng), 6, 0.5)


@kneser.probe(axes="contexts down, next ids across")
def never_there(ns, rng):
    """an id that is never there, and one at the end only"""
    return ns["kneser_ney_bigram"](np.array([0, 1, 2, 0, 1, 1, 3]), 5, 0.4)


@kneser.probe(axes="contexts down, next ids across")
def one_pair(ns, rng):
    """two ids: a single pair"""
    return ns["kneser_ney_bigram"](np.array([1, 0]), 3, 0.6)


@kneser.probe(axes="contexts down, next ids across")
def ends_as_it_began(ns, rng):
    """a text that ends with an id that stands elsewhere, too"""
    return ns["kneser_ney_bigram"](np.array([2, 0, 2, 1, 2, 2]), 3, 0.3)


@kneser.probe(hidden=True, points=3)
def any_ids(ns, rng):
    """any text"""
    V = int(rng.integers(5, 9))
    ids, D = some_text(rng, int(rng.integers(30, 60)), V), float(rng.uniform(0.3, 0.9))
    return [ns["kneser_ney_bigram"](ids, V, D), ns["kneser_ney_bigram"](ids[:-1], V + 1, D)]


@kneser.property(N=(6, 30), D=(0.2, 0.9))
def rows_are_distributions(ns, N, D):
    """each row sums to one"""
    ids = some_text(np.random.default_rng(N), N)
    return np.asarray(ns["kneser_ney_bigram"](ids, 6, D)).sum(axis=1), np.ones(6)


def table(ids, V):
    c = np.zeros((V, V))
    np.add.at(c, (ids[:-1], ids[1:]), 1.0)
    return c


def mixed(ids, V, D, *, q=None, kept=None, given=None, unseen=None):
    """The right model, with one thing wrong at a time."""
    c = table(ids, V)
    s = c > 0
    q = (q or (lambda c: (c > 0).sum(axis=0) / (c > 0).sum()))(c)
    left = (kept or (lambda c: np.maximum(c - D, 0)))(c)
    total = np.maximum(c.sum(axis=1, keepdims=True), 1)
    p = left / total + (given or (lambda total, T: D * T / total))(total, s.sum(axis=1, keepdims=True)) * q
    return np.where(c.sum(axis=1, keepdims=True) > 0, p, q if unseen is None else unseen)


@kneser.mistake(hint="This is absolute discounting: q counts occurrences. Kneser–Ney counts the different ids before w.")
def occurrences(ids, vocab_size, D):
    """absolute discounting: a q from plain counts"""
    return mixed(ids, vocab_size, D, q=lambda c: c.sum(axis=0) / c.sum())


@kneser.mistake(hint="How many different ids come *before* w? You counted those that come after it: the other axis.")
def followers_for_predecessors(ids, vocab_size, D):
    """a q from the ids that follow w, not from those before it"""
    return mixed(ids, vocab_size, D, q=lambda c: (c > 0).sum(axis=1) / (c > 0).sum())


@kneser.mistake(hint="Each of T(h) followers loses D, so D · T(h) is handed out. Do your rows sum to one?")
def t_forgotten(ids, vocab_size, D):
    """D handed out once in place of T(h) times"""
    return mixed(ids, vocab_size, D, given=lambda total, T: D / total)


@kneser.mistake(hint="What was never seen has nothing to lose: max(c − D, 0).")
def negative_counts(ids, vocab_size, D):
    """D taken from zeros as well"""
    return mixed(ids, vocab_size, D, kept=lambda c: c - D)


@kneser.mistake(hint="D is handed out but never taken away.")
def nothing_taken(ids, vocab_size, D):
    """counts that keep their D"""
    return mixed(ids, vocab_size, D, kept=lambda c: c)


@kneser.mistake(hint="After an id that nothing ever followed, all say is q's.")
def zeros_for_unseen_contexts(ids, vocab_size, D):
    """right, but zeros after an id that was never followed by anything"""
    return mixed(ids, vocab_size, D, unseen=0.0)


@kneser.mistake(hint="q is divided by the number of different pairs; then it sums to one. By V it does not.")
def divided_by_v(ids, vocab_size, D):
    """continuation counts divided by the number of ids"""
    return mixed(ids, vocab_size, D, q=lambda c: (c > 0).sum(axis=0) / len(c))


@kneser.mistake(hint="Every D that is taken away goes to q. Here it goes evenly to everything.")
def shared_out_evenly(ids, vocab_size, D):
    """what was taken, shared out evenly"""
    return mixed(ids, vocab_size, D, q=lambda c: np.full(len(c), 1 / len(c)))


@kneser.mistake(hint="q counts the different ids before w, each once. Yours counts how often w stands in the text.")
def how_often_it_stands(ids, vocab_size, D):
    """a q from how often each id stands in the text, the first one too"""
    return mixed(ids, vocab_size, D, q=lambda c: np.bincount(ids, minlength=vocab_size) / len(ids))


@kneser.mistake(hint="T(h) counts what follows h: along row h. Yours counts what comes before.")
def t_down_the_column(ids, vocab_size, D):
    """a T(h) from the ids before h, not after it"""
    before = (table(ids, vocab_size) > 0).sum(axis=0)[:, None]
    return mixed(ids, vocab_size, D, given=lambda total, T: D * before / total)


@kneser.mistake(hint="After an id that nothing ever followed, p is q, not the same for all.")
def even_for_unseen_contexts(ids, vocab_size, D):
    """right, but all ids alike after one that was never followed by anything"""
    return mixed(ids, vocab_size, D, unseen=1 / vocab_size)


@kneser.mistake(hint="c(h) is 0 there, and 0 / 0 is nan. After an id that nothing ever followed, p is q.")
def nan_for_unseen_contexts(ids, vocab_size, D):
    """right, but nan after an id that was never followed by anything"""
    return mixed(ids, vocab_size, D, unseen=np.nan)


@kneser.mistake(hint="c(h) is a sum of pairs. The last id of the text has no pair, so it is not counted there.")
def the_last_id_counted(ids, vocab_size, D):
    """a c(h) that counts the last id of the text, which nothing follows"""
    total = np.maximum(np.bincount(ids, minlength=vocab_size), 1)[:, None]
    c = table(ids, vocab_size)
    s = c > 0
    q = s.sum(axis=0) / s.sum()
    p = (np.maximum(c - D, 0) + D * s.sum(axis=1, keepdims=True) * q) / total
    return np.where(c.sum(axis=1, keepdims=True) > 0, p, q)


@kneser.mistake(hint="The text ends: its last id is not followed by the first.")
def round_and_round(ids, vocab_size, D):
    """a text that begins again after its end"""
    return mixed(np.append(ids, ids[0]), vocab_size, D)


@kneser.mistake(hint="Seen pairs get their part of q as well: both terms are added. That is interpolation, not back-off.")
def backed_off(ids, vocab_size, D):
    """a back-off: q's part only for pairs that were never seen"""
    c = table(ids, vocab_size)
    s = c > 0
    q, total = s.sum(axis=0) / s.sum(), np.maximum(c.sum(axis=1, keepdims=True), 1)
    p = np.where(s, (c - D) / total, D * s.sum(axis=1, keepdims=True) * q / total)
    return np.where(c.sum(axis=1, keepdims=True) > 0, p, q)


@kneser.mistake(hint="D is taken from the counts. Added to all of them it is add-k.")
def d_added(ids, vocab_size, D):
    """add-D: D added to every count"""
    c = table(ids, vocab_size) + D
    return c / c.sum(axis=1, keepdims=True)


@kneser.mistake(hint="D is an argument: it need not be 0.75.")
def always_three_quarters(ids, vocab_size, D):
    """a D of 0.75, whatever was given"""
    return mixed(ids, vocab_size, 0.75)


@kneser.mistake(hint="The table is (V, V), also where an id below vocab_size never stands in the text.")
def only_ids_that_are_there(ids, vocab_size, D):
    """a table that ends with the largest id of the text"""
    return mixed(ids, int(ids.max()) + 1, D)


def through_the_package(ids, V, D, changed):
    rules = [smoothing.maximum_likelihood, smoothing.absolute_discounting(D)]
    model = NGram(changed(NGram.fit(ids, 2, V)), V, rules)
    return np.stack([model.probs([h]) for h in range(V)])


@kneser.forbid("course_lib.byhand.kneser_ney.kneser_ney")
def _(call, ids, vocab_size, D):
    return through_the_package(ids, vocab_size, D, lambda model: call(model, discount=D).tables)


@kneser.forbid("course_lib.byhand.kneser_ney.continuation_counts")
def _(call, ids, vocab_size, D):
    def changed(model):
        return [*call(model.tables, vocab_size), model.tables[-1]]

    return through_the_package(ids, vocab_size, D, changed)


@kneser.forbid("course_lib.byhand.smoothing.absolute_discounting")
def _(call, ids, vocab_size, D):
    model = NGram.fit(ids, 2, vocab_size)
    changed = [*kneser_ney.continuation_counts(model.tables, vocab_size), model.tables[-1]]
    model = NGram(changed, vocab_size, [smoothing.maximum_likelihood, call(D)])
    return np.stack([model.probs([h]) for h in range(vocab_size)])
