"""How the exercises of lesson 02 (ngrams) are checked, and the wrong answers that people give to them."""

import difflib
import math

import numpy as np

from course_lib.byhand import bar, interpolation, kneser_ney, smoothing
from course_lib.byhand.ngram import NGram
from course_lib.classroom.checking.exercise import Exercise
from course_lib.classroom.checking.open_question import OpenQuestion

# ---- 02.1 ----------------------------------------------------------------------------------------------------------

off_by_one = Exercise(
    "02.1", "examples", title="Find the bug: n or n − 1?", difficulty=1, minutes=10,
    hints=(
        "A bigram is two ids long. How many of them are looked at, and how many are predicted?",
        "The first place with enough context is number order − 1, counted from 0. Which is the last one?",
        "For i from order − 1 up to the last id: the context is the order − 1 ids that end just before i, the next id is ids[i].",
    ),
)


@off_by_one.probe(axes="places down, context across")
def a_bigram(ns, rng):
    """order 2"""
    return ns["examples"]([5, 6, 7, 8], 2)


@off_by_one.probe(axes="places down, context across")
def a_trigram(ns, rng):
    """order 3"""
    return ns["examples"]([3, 1, 4, 1, 5, 9, 2, 6], 3)


@off_by_one.probe(hidden=True, points=2)
def any_order(ns, rng):
    """any order"""
    return ns["examples"](rng.integers(0, 50, int(rng.integers(9, 15))).tolist(), int(rng.integers(3, 6)))


@off_by_one.probe(hidden=True)
def a_unigram(ns, rng):
    """order 1, which looks at nothing"""
    contexts, next_ids = ns["examples"](rng.integers(0, 50, 6).tolist(), 1)
    return np.asarray(next_ids), len(contexts)


@off_by_one.property(order=(1, 5))
def as_many_as_there_are_places(ns, order):
    """N ids have N − order + 1 places with enough context"""
    return len(ns["examples"](list(range(9)), order)[1]), 9 - order + 1


def windows(ids, starts, width, target):
    contexts = [ids[i:i + width] for i in starts]
    return np.array(contexts, dtype=int), np.array([ids[i + target] for i in starts], dtype=int)


@off_by_one.mistake(hint="An n-gram is n long with the id that is predicted. How many are left to look at?")
def the_tutorial(ids, order):
    """the tutorial's version, with n ids of context: order n + 1"""
    return windows(ids, range(len(ids) - order), order, order)


@off_by_one.mistake(hint="The last id can be predicted as well. Where does your range end?")
def the_last_is_missing(ids, order):
    """every place but the last one"""
    return windows(ids, range(len(ids) - order), order - 1, order - 1)


@off_by_one.mistake(hint="The context must not contain the answer. Where does your slice end?")
def the_answer_in_the_context(ids, order):
    """contexts that contain the id to be predicted"""
    return windows(ids, range(len(ids) - order + 1), order, order - 1)


@off_by_one.mistake(hint="Contexts overlap: move on by one id, not by a whole n-gram.")
def side_by_side(ids, order):
    """n-grams side by side, which do not overlap"""
    return windows(ids, range(0, len(ids) - order + 1, order), order - 1, order - 1)


@off_by_one.mistake(hint="The context stands in the order of the text: the oldest id first.")
def newest_first(ids, order):
    """contexts read backwards"""
    contexts, next_ids = windows(ids, range(len(ids) - order + 1), order - 1, order - 1)
    return contexts[:, ::-1], next_ids


@off_by_one.mistake(hint="Read from left to right: the id that comes is the one after the context.")
def one_too_far(ids, order):
    """an id that comes one place too late"""
    return windows(ids, range(len(ids) - order), order - 1, order)


# ---- 02.2 ----------------------------------------------------------------------------------------------------------

added = Exercise(
    "02.2", "probabilities", title="Nothing is impossible", difficulty=1, minutes=10,
    hints=(
        "How much was added to one row in all?",
        "Add k to the whole table first. What must each row be divided by so that it sums to one?",
        "Divide counts + k by (the row's sum of counts) + k · V; keepdims=True keeps the sums as a column.",
    ),
)


def some_counts(rng, V, seen=0.5):
    return rng.integers(1, 9, (V, V)) * (rng.random((V, V)) < seen).astype(float)


@added.probe(axes="contexts down, next ids across")
def a_small_table(ns, rng):
    """three ids"""
    return ns["probabilities"](np.array([[3.0, 0.0, 1.0], [2.0, 2.0, 0.0], [0.0, 5.0, 1.0]]), 0.5)


@added.probe(axes="contexts down, next ids across")
def an_unseen_context(ns, rng):
    """a context that was never seen"""
    return ns["probabilities"](np.array([[3.0, 0.0, 1.0], [0.0, 0.0, 0.0], [1.0, 5.0, 1.0]]), 2.0)


@added.probe(hidden=True, points=2)
def any_table(ns, rng):
    """any table"""
    counts = some_counts(rng, int(rng.integers(4, 8)))
    counts[1] = 0
    return ns["probabilities"](counts, float(rng.uniform(0.1, 3)))


@added.property(V=(2, 6), k=(0.1, 2.0))
def rows_sum_to_one(ns, V, k):
    """each row sums to one"""
    return np.asarray(ns["probabilities"](np.arange(V * V).reshape(V, V) % 4.0, k)).sum(axis=1), np.ones(V)


@added.mistake(hint="k was added to each of V counts. What was added to their sum?")
def v_forgotten(counts, k):
    """add-k with the V forgotten: rows sum to more than one"""
    return (counts + k) / (counts.sum(axis=1, keepdims=True) + k)


@added.mistake(hint="Seen pairs get k, too, or a pair seen once may end up below one never seen.")
def only_the_zeros(counts, k):
    """k added to the zeros only"""
    more = np.where(counts == 0, k, counts)
    return more / more.sum(axis=1, keepdims=True)


@added.mistake(hint="The other way round: k goes to what was never seen as well. That is the point of it.")
def only_what_was_seen(counts, k):
    """k added only to what was seen: zeros stay"""
    more = np.where(counts > 0, counts + k, 0.0)
    return more / np.maximum(more.sum(axis=1, keepdims=True), 1e-12)


@added.mistake(hint="Contexts go down, so a distribution is a row. Which axis is summed?")
def columns(counts, k):
    """columns that sum to one, in place of rows"""
    return (counts + k) / (counts + k).sum(axis=0, keepdims=True)


@added.mistake(hint="These are probabilities of pairs. Given the context, each row is a distribution of its own.")
def joint(counts, k):
    """probabilities of pairs: the whole table sums to one"""
    return (counts + k) / (counts + k).sum()


@added.mistake(hint="This adds 1 whatever k is.")
def always_one(counts, k):
    """add-one, whatever k is"""
    return (counts + 1) / (counts + 1).sum(axis=1, keepdims=True)


@added.mistake(hint="These are the relative frequencies. Where is k?")
def relative_frequencies(counts, k):
    """relative frequencies, nothing added"""
    return counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)


@added.forbid("course_lib.byhand.smoothing.add_k")
def _(call, counts, k):
    total = counts.sum(axis=1, keepdims=True)
    return call(k, len(counts))(counts, total, (counts > 0).sum(axis=1, keepdims=True), 0.0)


# ---- 02.3 ----------------------------------------------------------------------------------------------------------

numbers = Exercise(
    "02.3", "three_numbers", title="One text, three numbers", difficulty=2, minutes=10,
    hints=(
        "Surprise adds up. How many bits does the whole text cost?",
        "A nat is 1 / ln 2 bits. Of one total, each of the three is a mean over something else: tokens, characters, bytes.",
        "bits = −sum / ln 2. Perplexity: 2 to the (bits / tokens). Characters: len(text). Bytes: the length of text.encode().",
    ),
)
TEXT = "naïve 你好, Zoë"
LN2 = math.log(2)


@numbers.probe()
def a_plain_text(ns, rng):
    """a text in plain letters"""
    return ns["three_numbers"](np.log([0.5, 0.25, 0.125, 0.1]), "the cat sat on the mat")


@numbers.probe()
def two_scripts(ns, rng):
    """a text with letters of more than one byte"""
    return ns["three_numbers"](np.log(np.array([0.5, 0.01, 0.2, 0.3, 0.9, 0.05])), TEXT)


@numbers.probe(hidden=True, points=2)
def any_text(ns, rng):
    """any text"""
    text = "".join(rng.choice(list("abc äß你"), int(rng.integers(12, 30))).tolist()) + "é"
    return ns["three_numbers"](np.log(rng.uniform(0.01, 0.9, int(rng.integers(4, 11)))), text)


@numbers.property(V=(2, 40))
def equal_choices(ns, V):
    """V equal choices at every token have perplexity V"""
    return float(ns["three_numbers"](np.full(7, -math.log(V)), "seven bytes")[0]), float(V)


def measured(log_probs, text, *, base=LN2, chars=None, size=None, power=None, total=np.sum):
    """The right numbers, with one thing wrong at a time."""
    bits = -total(log_probs) / base
    chars, size = chars or len(text), size or len(text.encode())
    perplexity = power(log_probs) if power else math.exp(-np.mean(log_probs))
    return perplexity, bits / chars, bits / size


@numbers.mistake(hint="log_probs are in nats. How many nats are a bit?")
def nats_for_bits(log_probs, text):
    """nats a character and nats a byte"""
    return measured(log_probs, text, base=1.0)


@numbers.mistake(hint="2 belongs to bits, e to nats. This mixes the two.")
def two_to_the_nats(log_probs, text):
    """a perplexity of 2 to the power of nats"""
    return measured(log_probs, text, power=lambda x: 2 ** -np.mean(x))


@numbers.mistake(hint="How many bytes is ï? And 你?")
def characters_for_bytes(log_probs, text):
    """characters taken for bytes"""
    return measured(log_probs, text, size=len(text))


@numbers.mistake(hint="One text, one total. It is shared among characters, and among bytes, not among tokens.")
def bits_a_token(log_probs, text):
    """bits a token, three times"""
    return measured(log_probs, text, chars=len(log_probs), size=len(log_probs))


@numbers.mistake(hint="The mean over tokens was taken already; then it was divided again. Begin with the sum.")
def mean_divided_again(log_probs, text):
    """the mean surprise divided by the length"""
    return measured(log_probs, text, total=np.mean)


@numbers.mistake(hint="Perplexity is per token, here: the mean is over log_probs.")
def perplexity_a_character(log_probs, text):
    """a perplexity for each character in place of each token"""
    return measured(log_probs, text, power=lambda x: math.exp(-np.sum(x) / len(text)))


@numbers.mistake(hint="The mean of 1/p is not e to the mean of −log p. One unlikely token would ruin it.")
def mean_of_inverse_probabilities(log_probs, text):
    """a perplexity that averages 1/p instead of log p"""
    return measured(log_probs, text, power=lambda x: float(np.mean(np.exp(-x))))


@numbers.forbid("course_lib.byhand.bar.perplexity")
def _(call, log_probs, text):
    return call(log_probs), bar.bits_per(log_probs, len(text)), bar.bits_per(log_probs, len(text.encode()))


@numbers.forbid("course_lib.byhand.bar.bits_per")
def _(call, log_probs, text):
    return math.exp(-np.mean(log_probs)), call(log_probs, len(text)), call(log_probs, len(text.encode()))


# ---- 02.4 ----------------------------------------------------------------------------------------------------------

mixture = Exercise(
    "02.4", "mixture_weights", title="Who wrote this letter?", difficulty=3, minutes=15,
    hints=(
        "If you knew the weights: which share of one letter can model k claim? The shares of a letter sum to one.",
        "Share of model k in letter i: weight · probability, divided by the sum of that over the models. Then the mean over letters.",
        "shares = weights · components (one row a letter); divide each row by its sum; the new weights are the mean of each column.",
    ),
)


def some_components(rng, N=30, K=3):
    return rng.random((N, K)) ** np.arange(1, K + 1)


@mixture.probe()
def one_turn(ns, rng):
    """one turn, two models, three letters"""
    return ns["mixture_weights"](np.array([[0.2, 0.6], [0.0, 0.1], [0.5, 0.4]]), 1)


@mixture.probe()
def two_turns(ns, rng):
    """two turns"""
    return ns["mixture_weights"](some_components(rng), 2)


@mixture.probe()
def many_turns(ns, rng):
    """a hundred turns"""
    return ns["mixture_weights"](some_components(rng), 100)


@mixture.probe(hidden=True)
def any_mixture(ns, rng):
    """any mixture"""
    return ns["mixture_weights"](some_components(rng, 20, int(rng.integers(3, 6))), int(rng.integers(3, 9)))


@mixture.probe(hidden=True)
def until_it_stands(ns, rng):
    """many turns on any letters"""
    return ns["mixture_weights"](some_components(rng, 25), 300)


@mixture.property(N=(1, 9), K=(2, 5), n_steps=(1, 20))
def weights_sum_to_one(ns, N, K, n_steps):
    """the weights sum to one"""
    components = 0.1 + np.arange(N * K).reshape(N, K) % 7 / 10
    return float(np.sum(ns["mixture_weights"](components, n_steps))), 1.0


def turned(components, n_steps, share):
    weights = np.full(components.shape[1], 1 / components.shape[1])
    for _ in range(n_steps):
        weights = share(weights, components)
    return weights


def normalised(values, axis=None):
    return values / values.sum(axis=axis, keepdims=axis is not None)


@mixture.mistake(hint="The weights of the last turn belong into the responsibilities of the next. Do yours change after the first turn?")
def weights_not_used(components, n_steps):
    """the first turn only, or again and again: the weights that it found are not used"""
    return turned(components, n_steps, lambda weights, q: normalised(q, axis=1).mean(axis=0))


@mixture.mistake(hint="Each letter is shared out among the models, softly. This gives it wholly to the best one.")
def the_winner_takes_all(components, n_steps):
    """hard decisions: each letter belongs wholly to one model"""
    K = components.shape[1]
    return turned(components, n_steps, lambda weights, q: np.bincount((weights * q).argmax(axis=1), minlength=K) / len(q))


@mixture.mistake(hint="The shares of one letter sum to one, over the models. Which axis is that?")
def shared_among_letters(components, n_steps):
    """shares that sum to one over the letters in place of the models"""
    return turned(components, n_steps, lambda weights, q: normalised(normalised(weights * q, axis=0).max(axis=0)))


@mixture.mistake(hint="Here likely letters count more than unlikely ones. First share out each letter, then take the mean.")
def not_shared_out(components, n_steps):
    """weights in proportion to the probabilities, summed before they were shared out"""
    return turned(components, n_steps, lambda weights, q: normalised((weights * q).sum(axis=0)))


@mixture.mistake(hint="Each letter may have another writer. This asks which single model wrote the whole text.")
def one_writer_for_all(components, n_steps):
    """the probability that one model wrote everything"""
    return turned(components, n_steps, lambda weights, q: normalised(weights * (q.prod(axis=0) + 1e-300)))


@mixture.mistake(hint="n_steps turns: this took one more.")
def one_too_many(components, n_steps):
    """one turn too many"""
    return turned(components, n_steps + 1, interpolation.em_step)


@mixture.mistake(hint="The mean of the shares over the letters, not their sum. What do your weights sum to?")
def sums_for_means(components, n_steps):
    """the shares summed over the letters, not their mean"""
    return turned(components, n_steps, lambda weights, q: normalised(weights * q, axis=1).sum(axis=0))


@mixture.forbid("course_lib.byhand.interpolation.em_step")
def _(call, components, n_steps):
    return turned(components, n_steps, call)


@mixture.forbid("course_lib.byhand.interpolation.em_weights")
def _(call, components, n_steps):
    return call(components, max_steps=n_steps, tolerance=0.0)


# ---- 02.5 ----------------------------------------------------------------------------------------------------------

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


@kneser.probe(hidden=True, points=3)
def any_ids(ns, rng):
    """any text"""
    V = int(rng.integers(5, 9))
    return ns["kneser_ney_bigram"](some_text(rng, int(rng.integers(30, 60)), V), V, float(rng.uniform(0.3, 0.9)))


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


# ---- 02.6 ----------------------------------------------------------------------------------------------------------

copying = Exercise(
    "02.6", "longest_piece", title="Inventor or copyist?", difficulty=3, minutes=15,
    hints=(
        "`piece in text` asks whether a string stands in another one. Which pieces of the sample have to be asked about?",
        "From each start, make the piece longer while it is still in the text. Keep the longest one; when is a new one better?",
        "Begin with length 0. For each start, as long as the piece of length + 1 fits and is in the text: remember start, length + 1.",
    ),
)

COUNTRIES = "peru chile cuba panama canada mexico brasil espana francia italia grecia suecia noruega polonia ucrania guatemala"


@copying.probe()
def guatemalia(ns, rng):
    """an invented country"""
    return ns["longest_piece"]("guatemalia", "australia guatemala")


@copying.probe()
def in_the_middle(ns, rng):
    """a piece in the middle, among others"""
    return ns["longest_piece"]("chicanadorper", COUNTRIES)


@copying.probe()
def two_of_one_length(ns, rng):
    """two pieces of one length"""
    return ns["longest_piece"]("xperuzcubax", COUNTRIES)


@copying.probe()
def nothing_copied(ns, rng):
    """a sample that shares nothing with the text"""
    return ns["longest_piece"]("zzz", "abcabc")


@copying.probe(hidden=True, points=2)
def any_sample(ns, rng):
    """any sample"""
    words = COUNTRIES.split()
    a, b = words[int(rng.integers(len(words)))], words[int(rng.integers(len(words)))]
    cut = int(rng.integers(1, 3))
    return ns["longest_piece"]("zq"[: int(rng.integers(1, 3))] + a[cut:] + "w" + b[:-1] + "z", COUNTRIES)


@copying.probe(hidden=True)
def all_of_it(ns, rng):
    """a sample that was copied from end to end, and one with two pieces of one length"""
    start = int(rng.integers(0, 40))
    piece = COUNTRIES[start:start + int(rng.integers(5, 30))]
    return [*ns["longest_piece"](piece, COUNTRIES), *ns["longest_piece"]("w" + piece + "w" + piece, COUNTRIES)]


@copying.property(n=(1, 12))
def a_piece_of_the_text_itself(ns, n):
    """a piece of the text is copied from end to end"""
    return list(ns["longest_piece"](COUNTRIES[3:3 + n], COUNTRIES)), [0, n]


def lengths(sample, text):
    return [max(n for n in range(len(sample) - i + 1) if sample[i:i + n] in text) for i in range(len(sample))]


@copying.mistake(hint="If several are equally long, the first one: replace it only by a longer one.")
def the_last_of_several(sample, text):
    """the last of several pieces of one length"""
    n = lengths(sample, text)
    return len(n) - 1 - n[::-1].index(max(n)), max(n)


@copying.mistake(hint="A piece may begin anywhere in the sample, not only at its beginning.")
def only_from_the_beginning(sample, text):
    """the longest piece at the beginning of the sample"""
    return 0, lengths(sample, text)[0]


@copying.mistake(hint="Just so: in one piece. Letters that stand in the text one by one, with others between them, do not count.")
def letters_in_order(sample, text):
    """the longest common subsequence: letters in order, with gaps"""
    rows = [[0] * (len(text) + 1) for _ in range(len(sample) + 1)]
    for i, a in enumerate(sample):
        for j, b in enumerate(text):
            rows[i + 1][j + 1] = rows[i][j] + 1 if a == b else max(rows[i][j + 1], rows[i + 1][j])
    return 0, rows[-1][-1]


@copying.mistake(hint="The length is one too small. May the piece reach to the end of the sample?")
def one_too_short(sample, text):
    """a length that is one too small"""
    n = lengths(sample, text)
    return n.index(max(n)), max(max(n) - 1, 0)


@copying.mistake(hint="Return where it begins in the sample. This is where it begins in the text.")
def start_in_the_text(sample, text):
    """the place in the text in place of the one in the sample"""
    n = lengths(sample, text)
    start = n.index(max(n))
    return text.index(sample[start:start + max(n)]), max(n)


@copying.mistake(hint="Start and length were asked for, in this order. This is start and end.")
def start_and_end(sample, text):
    """start and end in place of start and length"""
    n = lengths(sample, text)
    start = n.index(max(n))
    return start, start + max(n)


@copying.forbid("course_lib.byhand.memorisation.copied_lengths")
def _(call, sample, text):
    n = call(sample, text)
    return int(n.argmax()), int(n.max())


@copying.forbid("course_lib.byhand.memorisation.longest_copied")
def _(call, sample, text):
    piece = call(sample, text)
    return sample.index(piece), len(piece)


@copying.forbid("difflib.SequenceMatcher")
def _(call, sample, text):
    match = call(None, sample, text, autojunk=False).find_longest_match()
    return match.a, match.size


# ---- 02.7 ----------------------------------------------------------------------------------------------------------

lower = OpenQuestion(
    "02.7", title="The lower perplexity", difficulty=2, minutes=10,
    rubric=(
        (1, "says whether the two numbers can be compared, and why, naming what a perplexity is a mean over"),
        (1, "explains what <unk> does to A's perplexity, and in which direction"),
        (1, "notices what A's model cannot do with the true text"),
        (1, "names a measurement that settles it, and how it is computed from what the groups have"),
        (1, "says what A has to change before it can be measured"),
    ),
)
