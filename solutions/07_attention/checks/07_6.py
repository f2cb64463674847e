"""Exercise 07.6: an atlas that understands names which are spelt wrong."""

import math

import numpy as np

from course_lib.classroom.checking.exercise import Exercise


def shares(z, axis=-1):
    """Softmax, for wrong answers whose mistake is elsewhere."""
    e = np.exp(z - z.max(axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)


atlas = Exercise(
    "07.6", "look_up", title="An atlas that forgives", difficulty=4, minutes=15,
    hints=(
        "Start with a function that makes the list of letter pairs of one name, dots included. Test it on peru.",
        "Collect all pairs of all queries and names: each is one axis. A name's vector counts them; divide it by its norm.",
        "scores = sharpness · (vectors of queries) @ (vectors of names)ᵀ, softmax over the names, then @ places.",
    ),
)

NAMES = ("peru chile cuba panama canada mexico brazil spain france italy greece sweden norway poland ukraine").split()
PLACES = np.array([(-12.0, -77.0), (-33.4, -70.7), (23.1, -82.4), (9.0, -79.5), (45.4, -75.7), (19.4, -99.1), (-15.8, -47.9),
                   (40.4, -3.7), (48.9, 2.4), (41.9, 12.5), (38.0, 23.7), (59.3, 18.1), (59.9, 10.7), (52.2, 21.0), (50.5, 30.5)])


@atlas.probe(axes="queries down; degrees north and east across")
def misspelt(ns, rng):
    """four names spelt wrong"""
    return ns["look_up"](["brasil", "itly", "pananama", "swedn"], NAMES, PLACES, 10.0)


@atlas.probe(axes="queries down; degrees north and east across")
def softly(ns, rng):
    """two names, asked softly"""
    return ns["look_up"](["poland", "cuba"], NAMES[:6], PLACES[:6], 2.0)


@atlas.probe(hidden=True, points=2)
def letters_lost(ns, rng):
    """names that have lost a letter, or end twice"""
    chosen = [NAMES[i] for i in rng.permutation(len(NAMES))[:5]]
    cut = int(rng.integers(1, 4))
    queries = [name + name[-3:] if n % 2 else name[:cut] + name[cut + 1:] for n, name in enumerate(chosen)]
    return ns["look_up"](queries, NAMES, PLACES + rng.normal(size=PLACES.shape), float(rng.uniform(4, 12)))


@atlas.property(S=(2, 15))
def at_zero_sharpness(ns, S):
    """with sharpness 0 every question gets the mean of all places"""
    return ns["look_up"](["nowhere"], NAMES[:S], PLACES[:S], 0.0), PLACES[:S].mean(axis=0)[None]


def by_pairs(queries, names, places, sharpness, *, ends=True, divided=True, size=2, axis=-1, counted=True, root=False, best=False):
    """The right answer, with some things wrong."""

    def pairs(name):
        name = f"·{name}·" if ends else name
        return [name[i : i + size] for i in range(len(name) - size + 1)]

    known = sorted({pair for name in (*queries, *names) for pair in pairs(name)})

    def vectors(words):
        counts = np.array([[pairs(word).count(pair) for pair in known] for word in words], dtype=float)
        counts = counts if counted else np.minimum(counts, 1.0)
        return counts / np.linalg.norm(counts, axis=1, keepdims=True) if divided else counts

    scores = vectors(queries) @ vectors(names).T
    if best:
        return np.asarray(places)[scores.argmax(axis=1)]
    return shares(sharpness * scores / (math.sqrt(len(known)) if root else 1.0), axis) @ places


@atlas.mistake(hint="The dots tell where a name begins and ends: `·p` and `u·` are pairs as well.")
def without_the_dots(queries, names, places, sharpness):
    """letter pairs without the dots at the ends"""
    return by_pairs(queries, names, places, sharpness, ends=False)


@atlas.mistake(hint="Long names have more pairs and so larger scores. Divide every vector by its length (its norm).")
def not_divided(queries, names, places, sharpness):
    """counts that are not divided by their length"""
    return by_pairs(queries, names, places, sharpness, divided=False)


@atlas.mistake(hint="Pairs of letters, not single ones: single letters do not know their order.")
def single_letters(queries, names, places, sharpness):
    """single letters in place of pairs"""
    return by_pairs(queries, names, places, sharpness, size=1)


@atlas.mistake(hint="Each query makes shares of the names: the softmax goes over the names, along the rows.")
def over_the_queries(queries, names, places, sharpness):
    """a softmax over the queries instead of the names"""
    return by_pairs(queries, names, places, sharpness, axis=0)


@atlas.mistake(hint="Some names have a pair twice (panama: `an` once, `am` once, but pananama: `an` twice). Count them.")
def present_or_not(queries, names, places, sharpness):
    """pairs that are present or not, in place of their counts"""
    return by_pairs(queries, names, places, sharpness, counted=False)


@atlas.mistake(hint="sharpness says how much: multiply the scores by it before the softmax.")
def sharpness_ignored(queries, names, places, sharpness):
    """an answer that ignores the sharpness"""
    return by_pairs(queries, names, places, 1.0)


@atlas.mistake(hint="The best name alone is a hard dictionary. Every name gets a share.")
def the_best_name(queries, names, places, sharpness):
    """the place of the best name alone"""
    return by_pairs(queries, names, places, sharpness, best=True)


@atlas.forbid("course_lib.byhand.attention.attention")
def _(call, queries, names, places, sharpness):
    words = [*queries, *names]
    known = sorted({f"·{w}·"[i : i + 2] for w in words for i in range(len(w) + 1)})
    counts = np.array([[[f"·{w}·"[i : i + 2] for i in range(len(w) + 1)].count(pair) for pair in known] for w in words], dtype=float)
    counts /= np.linalg.norm(counts, axis=1, keepdims=True)
    return call(counts[: len(queries)], counts[len(queries) :], places, scale=sharpness)[0]
