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


def mixed(ids, V, D, *, of=None, q=None, kept=None, given=None, unseen=None):
    """The right model, with one thing wrong at a time."""
    c = (of or (lambda c: c))(table(ids, V))
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


@kneser.mistake(hint="c[ids[:-1], ids[1:]] += 1 counts a pair once, however often it stands there. np.add.at, or a loop, counts each.")
def each_pair_once(ids, vocab_size, D):
    """pairs that stand there several times, counted once"""
    return mixed(ids, vocab_size, D, of=lambda c: np.minimum(c, 1.0))


@kneser.mistake(hint="N ids have N − 1 pairs, up to the very last id. Where does your loop end?")
def the_last_pair_missing(ids, vocab_size, D):
    """a text whose last pair is missing"""
    with np.errstate(all="ignore"):
        return mixed(ids[:-1], vocab_size, D)


@kneser.mistake(hint="N ids have N − 1 pairs, from the very first id. Where does your loop begin?")
def the_first_pair_missing(ids, vocab_size, D):
    """a text whose first pair is missing"""
    with np.errstate(all="ignore"):
        return mixed(ids[1:], vocab_size, D)


@kneser.mistake(hint="The number of different pairs are those that were seen, not all that there could be. Does your q sum to one?")
def divided_by_all_pairs(ids, vocab_size, D):
    """continuation counts divided by V · V"""
    return mixed(ids, vocab_size, D, q=lambda c: (c > 0).sum(axis=0) / c.size)


@kneser.mistake(hint="The number of *different* pairs: each counts once below, too. Does your q sum to one?")
def divided_by_all_occurrences(ids, vocab_size, D):
    """continuation counts divided by the number of all pairs, repeated ones too"""
    return mixed(ids, vocab_size, D, q=lambda c: (c > 0).sum(axis=0) / c.sum())


@kneser.mistake(hint="After an id that nothing ever followed, p is q: the same q as elsewhere, made of different pairs.")
def frequencies_for_unseen_contexts(ids, vocab_size, D):
    """right, but plain frequencies after an id that was never followed by anything"""
    c = table(ids, vocab_size)
    return mixed(ids, vocab_size, D, unseen=c.sum(axis=0) / c.sum())


@kneser.mistake(hint="Both terms stand above c(h). Your second one is not divided. Do your rows sum to one?")
def second_term_not_divided(ids, vocab_size, D):
    """a second term that is not divided by c(h)"""
    return mixed(ids, vocab_size, D, given=lambda total, T: D * T)


@kneser.mistake(hint="T(h) is a number of ids. Nothing is divided by V.")
def t_divided_by_v(ids, vocab_size, D):
    """a T(h) that was divided by V"""
    return mixed(ids, vocab_size, D, given=lambda total, T: D * T / vocab_size / total)


@kneser.mistake(hint="Only those that followed h have lost D. How many are these? Not all V.")
def v_for_t(ids, vocab_size, D):
    """V in place of T(h)"""
    return mixed(ids, vocab_size, D, given=lambda total, T: D * vocab_size / total)


@kneser.mistake(hint="T(h) counts different ids, each once. Yours counts how often something followed.")
def occurrences_for_t(ids, vocab_size, D):
    """c(h) in place of T(h)"""
    return mixed(ids, vocab_size, D, given=lambda total, T: D + 0 * T)


@kneser.mistake(hint="What was taken is D from each of T(h) ids, so that is what is handed out: not 1 − D.")
def one_minus_d(ids, vocab_size, D):
    """1 − D handed out in place of D"""
    return mixed(ids, vocab_size, D, given=lambda total, T: (1 - D) * T / total)


@kneser.mistake(hint="Rows are what came first: c[h, w], h before w. In your table the next id lies down.")
def counted_the_other_way(ids, vocab_size, D):
    """a text read backwards: c[w, h] in place of c[h, w]"""
    return mixed(np.array(ids)[::-1], vocab_size, D)


@kneser.mistake(hint="An id may follow itself: that is a pair like any other.")
def never_after_itself(ids, vocab_size, D):
    """pairs of two different ids only"""
    return mixed(ids, vocab_size, D, of=lambda c: c * (1 - np.eye(vocab_size)))


@kneser.mistake(hint="A table of whole numbers has no room for fractions: p needs np.zeros((V, V)), without dtype=int.")
def whole_probabilities(ids, vocab_size, D):
    """a table of whole numbers, which cuts every probability off"""
    return mixed(ids, vocab_size, D).astype(int)


@kneser.mistake(hint="Seen pairs get their part of q as well: both terms are added. That is interpolation, not back-off.")
def backed_off_to_the_rest(ids, vocab_size, D):
    """a back-off: all that was taken goes to the pairs that were never seen"""
    c = table(ids, vocab_size)
    s = c > 0
    q, total = s.sum(axis=0) / s.sum(), np.maximum(c.sum(axis=1, keepdims=True), 1)
    left = np.maximum((q * ~s).sum(axis=1, keepdims=True), 1e-9)
    p = np.where(s, (c - D) / total, D * s.sum(axis=1, keepdims=True) * q / left / total)
    return np.where(c.sum(axis=1, keepdims=True) > 0, p, q)


def through_the_package(ids, V, D, changed):
    rules = [smoothing.maximum_likelihood, smoothing.absolute_discounting(D)]
    model = NGram(changed(NGram.fit(ids, 2, V)), V, rules)
    return np.stack([model.probs([h]) for h in range(V)])


@kneser.mistake(hint="Here q is the plain share of pairs. The lesson's recursion discounts it once more; this formula does not.")
def q_discounted_too(ids, vocab_size, D):
    """a q that is discounted and mixed with 1/V, as in the lesson's recursion"""
    def q(c):
        before = (c > 0).sum(axis=0)
        return (np.maximum(before - D, 0) + D * (before > 0).sum() / vocab_size) / before.sum()

    return mixed(ids, vocab_size, D, q=q)


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
