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
    return ns["look_up"](["brasil", "itallly", "pananama", "swedn"], NAMES, PLACES, 10.0)


@atlas.probe(axes="queries down; degrees north and east across")
def softly(ns, rng):
    """two names, asked softly"""
    return ns["look_up"](["poland", "cuba"], NAMES[:6], PLACES[:6], 2.0)


@atlas.probe(axes="queries down; degrees north and east across")
def thrice(ns, rng):
    """names with one letter three times in a row: the pair overlaps itself"""
    return ns["look_up"](["brazzzil", "peruuu"], [*NAMES[:7], "sweeeden"], PLACES[:8], 6.0)


@atlas.probe(axes="queries down; degrees north and east across")
def hardly_anything(ns, rng):
    """one letter, no letter, and a name that shares no pair"""
    return ns["look_up"](["p", "", "xyz"], NAMES[:4], PLACES[:4], 5.0)


@atlas.probe(axes="queries down; degrees north and east across")
def sharply(ns, rng):
    """sharpness 2000, and a single query"""
    return ns["look_up"](["kanada"], NAMES, PLACES, 2000.0)


@atlas.probe(axes="queries down; degrees north and east across")
def twice_the_same(ns, rng):
    """a query that is asked twice"""
    return ns["look_up"](["itly", "spain", "itly"], NAMES[:9], PLACES[:9], 7.0)


@atlas.probe(axes="queries down; degrees north and east across")
def the_empty_name(ns, rng):
    """an empty name, and an empty query"""
    return ns["look_up"](["", "cuba"], ["", *NAMES[:3]], PLACES[:4], 6.0)


@atlas.probe(axes="queries down; degrees north and east across")
def nothing_in_common(ns, rng):
    """sharpness 2000, and a query that shares no pair"""
    return ns["look_up"](["xyz"], NAMES[:5], PLACES[:5], 2000.0)


@atlas.probe(axes="queries down; degrees north and east across")
def as_they_are_spelt(ns, rng):
    """names with capitals, spaces and accents"""
    names = ["Peru", "peru", "San José", "san josé", "côte d'or", "cote dor"]
    return ns["look_up"](["PeRU", "san jose", "Côte d'Or"], names, PLACES[:6], 8.0)


@atlas.probe(hidden=True)
def strange_queries(ns, rng):
    """queries that come twice, that are empty, or that share nothing with any name"""
    names, places = ["", "Río", "rio", *NAMES[2:6]], PLACES[:7] + rng.normal(size=(7, 2))
    return [ns["look_up"](["", "kuba", "kuba", "xyz", "RiO"], names, places, float(rng.uniform(5, 9))),
            ns["look_up"](["xyz", "qx"], names, places, 2000.0)]


@atlas.probe(hidden=True, points=2)
def letters_lost(ns, rng):
    """names that have lost a letter, or end twice"""
    chosen = [NAMES[i] for i in rng.permutation(len(NAMES))[:5]]
    cut = int(rng.integers(1, 4))
    queries = [name + name[-3:] if n % 2 else name[:cut] + name[cut + 1:] for n, name in enumerate(chosen)]
    queries[0] = chosen[0] + 3 * chosen[0][-1]
    return ns["look_up"](queries, NAMES, PLACES + rng.normal(size=PLACES.shape), float(rng.uniform(4, 12)))


@atlas.property(S=(2, 15))
def at_zero_sharpness(ns, S):
    """with sharpness 0 every question gets the mean of all places"""
    return ns["look_up"](["nowhere"], NAMES[:S], PLACES[:S], 0.0), PLACES[:S].mean(axis=0)[None]


def by_pairs(queries, names, places, sharpness, *, ends="··", size=2, divided="norm", axis=-1, counted=True, known=None, best=False,
             spared=False):
    """The right answer, with some things wrong; spared: no vector of nothing is divided by its length 0."""

    def pairs(name):
        name = ends[:1] + name + ends[1:]
        return [name[i : i + size] for i in range(len(name) - size + 1)]

    known = sorted({pair for name in known or (*queries, *names) for pair in pairs(name)})

    def vectors(words):
        counts = np.array([[pairs(word).count(pair) for pair in known] for word in words], dtype=float)
        counts = counts if counted else np.minimum(counts, 1.0)
        total = counts.sum(axis=1, keepdims=True)
        sizes = {"norm": np.linalg.norm(counts, axis=1, keepdims=True), "pairs": total, "root": np.sqrt(total), "none": 1.0,
                 "letters": np.array([[len(word)] for word in words])}
        with np.errstate(all="ignore"):
            return counts / (np.where(sizes[divided] == 0, 1.0, sizes[divided]) if spared else sizes[divided])

    scores = vectors(queries) @ vectors(names).T
    if best:
        return np.asarray(places)[scores.argmax(axis=1)]
    return shares(sharpness * scores, axis) @ places


@atlas.mistake(hint="The dots tell where a name begins and ends: `·p` and `u·` are pairs as well.")
def without_the_dots(queries, names, places, sharpness):
    """letter pairs without the dots at the ends"""
    return by_pairs(queries, names, places, sharpness, ends="")


@atlas.mistake(hint="With the dots even a name without a letter has a pair, ··, and nothing is divided by 0.")
def without_the_dots_nothing_left(queries, names, places, sharpness):
    """letter pairs without the dots at the ends, and no division where nothing is left"""
    return by_pairs(queries, names, places, sharpness, ends="", spared=True)


@atlas.mistake(hint="Long names have more pairs and so larger scores. Divide every vector by its length (its norm).")
def not_divided(queries, names, places, sharpness):
    """counts that are not divided by their length"""
    return by_pairs(queries, names, places, sharpness, divided="none")


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


@atlas.mistake(hint="Two dots: the last letter has a pair with the end, too.")
def first_dot_only(queries, names, places, sharpness):
    """a dot before the name and none after it"""
    return by_pairs(queries, names, places, sharpness, ends="·")


@atlas.mistake(hint="Two dots: the first letter has a pair with the beginning, too.")
def last_dot_only(queries, names, places, sharpness):
    """a dot after the name and none before it"""
    turned = [name[::-1] for name in names]
    return by_pairs([query[::-1] for query in queries], turned, places, sharpness, ends="·")


@atlas.mistake(hint="Two letters at a time: the last pair of peru is u·, the one before it ru.")
def three_letters(queries, names, places, sharpness):
    """three letters at a time in place of two"""
    return by_pairs(queries, names, places, sharpness, size=3)


@atlas.mistake(hint="The length of a vector is its norm, √(Σ counts²), not the sum of its counts.")
def by_the_number_of_pairs(queries, names, places, sharpness):
    """counts divided by the number of pairs, not by the vector's length"""
    return by_pairs(queries, names, places, sharpness, divided="pairs")


@atlas.mistake(hint="The length of the vector, √(Σ counts²), not of the name.")
def by_the_number_of_letters(queries, names, places, sharpness):
    """counts divided by the number of letters, not by the vector's length"""
    return by_pairs(queries, names, places, sharpness, divided="letters")


@atlas.mistake(hint="A pair that is there twice counts as 2, and as 2² = 4 in the length: √(Σ counts²).")
def by_the_root_of_pairs(queries, names, places, sharpness):
    """counts divided by the root of the number of pairs: right only while no pair is there twice"""
    return by_pairs(queries, names, places, sharpness, divided="root")


@atlas.mistake(hint="The query's pairs make its vector longer even where no name has them. Collect pairs of queries and names.")
def pairs_of_names_only(queries, names, places, sharpness):
    """pairs of the names only: what else a query has is forgotten"""
    return by_pairs(queries, names, places, sharpness, known=list(names))


@atlas.mistake(hint="A pair that no name has is still a pair of the query: it counts in the length. Collect pairs of queries and names.")
def pairs_of_names_only_nothing_left(queries, names, places, sharpness):
    """pairs of the names only, and no division where nothing is left of a query"""
    return by_pairs(queries, names, places, sharpness, known=list(names), spared=True)


@atlas.mistake(hint="Its length is that of the vector, √(Σ counts²), and never 0: with the dots every name has a pair.")
def by_the_number_of_letters_or_one(queries, names, places, sharpness):
    """counts divided by the number of letters, and by 1 where there is none"""
    return by_pairs(queries, names, places, sharpness, divided="letters", spared=True)


@atlas.mistake(hint="str.count goes on behind what it has found: in zzz it sees zz once, and it is there twice. Go letter by letter.")
def counted_by_str(queries, names, places, sharpness):
    """pairs counted with str.count, which misses those that overlap"""
    known = sorted({f"·{name}·"[i : i + 2] for name in (*queries, *names) for i in range(len(name) + 1)})
    counts = np.array([[f"·{name}·".count(pair) for pair in known] for name in (*queries, *names)], dtype=float)
    counts /= np.linalg.norm(counts, axis=1, keepdims=True)
    return shares(sharpness * counts[: len(queries)] @ counts[len(queries) :].T) @ places


@atlas.mistake(hint="Sharpness multiplies; it is one over a temperature.")
def divided_by_sharpness(queries, names, places, sharpness):
    """scores divided by the sharpness instead of multiplied"""
    return by_pairs(queries, names, places, 1 / sharpness)


@atlas.mistake(hint="These scores are not divided by a root of their width. What is wanted is the dot product times sharpness.")
def divided_by_a_root(queries, names, places, sharpness):
    """scores divided by √D, which this exercise leaves out"""
    pairs = {f"·{name}·"[i : i + 2] for name in (*queries, *names) for i in range(len(name) + 1)}
    return by_pairs(queries, names, places, sharpness / np.sqrt(len(pairs)))


@atlas.mistake(hint="A query that shares nothing has the same score, 0, for all names, and a softmax of that: the mean of all places.")
def nowhere(queries, names, places, sharpness):
    """a query without a pair in common sent to (0, 0)"""
    found = by_pairs(queries, names, places, sharpness)
    own = [{f"·{word}·"[i : i + 2] for i in range(len(word) + 1)} for word in (*queries, *names)]
    shared = [any(own[t] & other for other in own[len(queries):]) for t in range(len(queries))]
    return np.where(np.array(shared)[:, None], found, 0.0)


@atlas.mistake(hint="Two queries may be alike, and each wants its row.")
def each_query_once(queries, names, places, sharpness):
    """one row for queries that are alike"""
    return by_pairs(list(dict.fromkeys(queries)), names, places, sharpness)


@atlas.mistake(hint="The empty name has the one pair ··: it is like itself.")
def nothing_like_nothing(queries, names, places, sharpness):
    """an empty name that has no pair"""
    return by_pairs([word or "\0\1\2" for word in queries], [word or "\3\4\5" for word in names], places, sharpness)


@atlas.mistake(hint="Take away the largest score that there is, not the largest there could be: with sharpness 1000, exp(−1000) is 0.")
def the_largest_possible(queries, names, places, sharpness):
    """right, but 0 / 0 where sharpness is large and all scores are small: what was taken away is no score"""
    def vector(word):
        pairs = [f"·{word}·"[i : i + 2] for i in range(len(word) + 1)]
        return {pair: pairs.count(pair) / math.sqrt(sum(pairs.count(one)**2 for one in set(pairs))) for pair in pairs}

    asked, known = [vector(word) for word in queries], [vector(word) for word in names]
    likeness = np.array([[sum(x * one.get(pair, 0.0) for pair, x in query.items()) for one in known] for query in asked])
    with np.errstate(all="ignore"):
        e = np.exp(sharpness * (likeness - 1))
        return e / e.sum(axis=1, keepdims=True) @ places


@atlas.mistake(hint="Capitals are letters of their own here: pairs count just as they are spelt.")
def in_small_letters(queries, names, places, sharpness):
    """names and queries in small letters"""
    return by_pairs([word.lower() for word in queries], [word.lower() for word in names], places, sharpness)


@atlas.mistake(hint="Names have capitals, spaces and accents, too: any two neighbours are a pair.")
def a_to_z_only(queries, names, places, sharpness):
    """pairs of the letters a to z and the dot alone"""
    import string

    known, plain = {}, {*string.ascii_lowercase, "·"}

    def vector(word):
        pairs = [pair for i in range(len(word) + 1) if {*(pair := f"·{word}·"[i : i + 2])} <= plain]
        counts = np.zeros(1000)
        for pair in pairs:
            counts[known.setdefault(pair, len(known))] += 1
        return counts / max(np.linalg.norm(counts), 1e-300)

    scores = np.array([[vector(query) @ vector(name) for name in names] for query in queries])
    return shares(sharpness * scores) @ places


@atlas.mistake(hint="The query's vector is divided by its length as well as the names'.")
def queries_at_their_length(queries, names, places, sharpness):
    """names divided by their length, queries not"""
    lengths = [[np.linalg.norm(np.unique([f"·{word}·"[i : i + 2] for i in range(len(word) + 1)], return_counts=True)[1])] for word in queries]
    asked = by_pairs(queries, names, np.eye(len(names)), sharpness)
    with np.errstate(divide="ignore"):
        return shares(np.log(asked) * np.array(lengths)) @ places


@atlas.forbid("course_lib.byhand.attention.attention")
def _(call, queries, names, places, sharpness):
    words = [*queries, *names]
    known = sorted({f"·{w}·"[i : i + 2] for w in words for i in range(len(w) + 1)})
    counts = np.array([[[f"·{w}·"[i : i + 2] for i in range(len(w) + 1)].count(pair) for pair in known] for w in words], dtype=float)
    counts /= np.linalg.norm(counts, axis=1, keepdims=True)
    return call(counts[: len(queries)], counts[len(queries) :], places, scale=sharpness)[0]
