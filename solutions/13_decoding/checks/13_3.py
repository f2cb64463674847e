"""Exercise 13.3: a head of attention with a cache reads new tokens only."""

import math

import numpy as np

from course_lib.classroom.checking.exercise import Exercise


def shares(z, axis=-1):
    """Softmax, for wrong answers whose mistake is elsewhere."""
    e = np.exp(z - z.max(axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)


more = Exercise(
    "13.3", "read_more", title="Nothing read twice", difficulty=3, minutes=15,
    hints=(
        "S old tokens stand at the positions 0 to S − 1. Where do the T new ones stand, and who may look at whom?",
        "Only the new tokens have queries. Their keys and values are put *below* the old ones, and all of them are attended to. New "
        "token t sees the S old ones and t + 1 new ones.",
        "x = token table [ids] + positions S to S + T; concatenate old and new keys, and values; scores are (T, S + T), hidden where "
        "np.tri(T, S + T, k=S) is 0.",
    ),
)


def a_head(rng, S, T, V=9, C=4, D=3, longest=16):
    """ids, weights, and what S tokens may have left in the cache."""
    shapes = {"token": (V, C), "position": (longest, C), "q": (D, C), "k": (D, C), "v": (D, C)}
    p = {name: rng.normal(size=shape) for name, shape in shapes.items()}
    return rng.integers(0, V, T), p, rng.normal(size=(S, D)), rng.normal(size=(S, D))


@more.probe(axes="tokens down, numbers across")
def a_new_text(ns, rng):
    """a new text of four tokens"""
    return ns["read_more"](*a_head(rng, 0, 4))


@more.probe(axes="tokens down, numbers across")
def one_more(ns, rng):
    """one token after five"""
    return ns["read_more"](*a_head(rng, 5, 1))


@more.probe(axes="tokens down, numbers across")
def three_more(ns, rng):
    """three tokens after two"""
    return ns["read_more"](*a_head(rng, 2, 3))


@more.probe(axes="tokens down, numbers across")
def a_first_token(ns, rng):
    """a new text of one token"""
    return ns["read_more"](*a_head(rng, 0, 1, C=5, D=2))


@more.probe(axes="tokens down, numbers across")
def up_to_the_last_place(ns, rng):
    """four tokens after four, up to the last position that there is, and one token three times"""
    ids, *others = a_head(rng, 4, 4, C=3, D=5, longest=8)
    return ns["read_more"](np.array([2, 2, ids[0], 2]), *others)


@more.probe(hidden=True, points=2)
def any_number_more(ns, rng):
    """any number of tokens after any number"""
    C, D = rng.permutation([3, 4, 5, 6])[:2]
    return ns["read_more"](*a_head(rng, int(rng.integers(1, 6)), int(rng.integers(3, 7)), C=int(C), D=int(D)))


@more.probe(hidden=True)
def any_new_text(ns, rng):
    """any new text"""
    return ns["read_more"](*a_head(rng, 0, int(rng.integers(3, 8)), D=int(rng.integers(2, 6))))


@more.property(T=(2, 6), cut=(1, 5), seed=(0, 99))
def in_two_pieces(ns, T, cut, seed):
    """a text read in two pieces says what it says in one"""
    ids, p, keys, values = a_head(np.random.default_rng(seed), 0, T)
    cut = min(cut, T - 1)
    first, *cache = ns["read_more"](ids[:cut], p, keys, values)
    second, *_ = ns["read_more"](ids[cut:], p, *cache)
    return np.concatenate([first, second]), ns["read_more"](ids, p, keys, values)[0]


@more.property(S=(0, 4), T=(2, 5))
def the_future_does_not_matter(ns, S, T):
    """another last token changes no earlier output"""
    ids, p, keys, values = a_head(np.random.default_rng(10 * S + T), S, T)
    other = np.append(ids[:-1], (ids[-1] + 1) % 9)
    return tuple(np.asarray(ns["read_more"](one, p, keys, values)[0])[:-1] for one in (ids, other))


def reads(ids, p, keys, values, *, start=0, mask="shifted", cached="all", axis=-1, scale="D", positions="qkv", roles="qkv", shut=-np.inf):
    """The right answer, with some things wrong.

    start: how far positions are off, or None for 0. positions: for which of q, k and v they are added. roles: whose
    matrix makes queries, keys and values. shut: the score of what is hidden.
    """
    S, T, D = len(keys), len(ids), keys.shape[1]
    first = 0 if start is None else S + start
    place = p["position"][first:first + T]
    x = p["token"][ids]
    q, k, v = ((x + place if one in positions else x) @ p[role].T for one, role in zip("qkv", roles, strict=True))
    pair = [k, keys] if cached == "new first" else [keys, k]
    all_keys, all_values = np.concatenate(pair), np.concatenate([v, values] if cached == "new first" else [values, v])
    seen_keys, seen_values = (k, v) if cached == "forgotten" else (all_keys, all_values)
    width = len(seen_keys)
    scales = {"D": math.sqrt(D), "C": math.sqrt(x.shape[1]), "none": 1.0, "all of D": D, "keys": math.sqrt(width)}
    scores = q @ seen_keys.T / scales[scale]
    shift = {"strict": width - T - 1, "next": width - T + 1, "top left": 0, "none": width}.get(mask, width - T)
    visible = np.tri(T, width, k=shift, dtype=bool)
    if mask == "not each other":
        visible = visible & ((np.arange(width) < width - T) | (np.arange(width) == np.arange(T)[:, None] + width - T))
    if mask == "future":
        visible = ~np.tri(T, width, k=width - T - 1, dtype=bool)
    if mask == "in new texts" and S:
        visible = visible | True
    if mask == "window":
        visible = visible & ~np.tri(T, width, k=width - T - 4, dtype=bool)
    with np.errstate(all="ignore"):
        masked = scores + visible if mask == "added" else np.where(visible, scores, 0.0 if mask == "zero" else shut)
        weights = shares(scores if mask == "after" else masked, axis)
        out = np.where(visible, weights, 0.0 if mask == "after" else weights) @ seen_values
    returned = {"not added": (keys, values), "new only": (k, v), "new values": (all_keys, v), "old values": (all_keys, values),
                "new first after": (np.concatenate([k, keys]), np.concatenate([v, values])),
                "queries": (np.concatenate([keys, q]), all_values)}.get(cached, (all_keys, all_values))
    return out, *returned


@more.mistake(hint="The first new token does not stand at position 0, but after the S old ones.")
def positions_from_zero(ids, p, keys, values):
    """positions that begin at 0 in every piece"""
    return reads(ids, p, keys, values, start=None)


@more.mistake(hint="S tokens stand at positions 0 to S − 1. Which position is the next one?")
def positions_off_by_one(ids, p, keys, values):
    """positions that are one too far"""
    return reads(ids, p, keys, values, start=1)


@more.mistake(hint="Without a position, a token does not know where it stands. Add the rows of p[\"position\"].")
def no_positions(ids, p, keys, values):
    """tokens without their positions"""
    return reads(ids, p, keys, values, positions="")


@more.mistake(hint="np.tri(T, S + T) begins at the first *old* token. The first new one may see all S old ones and itself.")
def mask_at_the_old_ones(ids, p, keys, values):
    """a mask that hides old tokens from new ones"""
    return reads(ids, p, keys, values, mask="top left")


@more.mistake(hint="Positions and mask are those of a text that begins here. Before the first new token there are S old ones: what does that change in both?")
def as_if_nothing_was_before(ids, p, keys, values):
    """positions and a mask that begin at 0, as if there were no old tokens"""
    return reads(ids, p, keys, values, start=None, mask="top left")


@more.mistake(hint="No mask, and positions from 0: what does a new token know of its place, and whom may it look at?")
def no_mask_from_zero(ids, p, keys, values):
    """no mask, and positions that begin at 0"""
    return reads(ids, p, keys, values, start=None, mask="none")


@more.mistake(hint="New tokens come together, but the first may not look at the second. Where is the causal mask?")
def no_mask(ids, p, keys, values):
    """a piece without a mask: new tokens look at newer ones"""
    return reads(ids, p, keys, values, mask="none")


@more.mistake(hint="Zeroed after the softmax, what is hidden is still in the denominator. Put −∞ into the scores.")
def mask_after_softmax(ids, p, keys, values):
    """a mask after the softmax"""
    return reads(ids, p, keys, values, mask="after")


@more.mistake(hint="e to the 0 is 1: a score of 0 hides nothing. Put −∞.")
def scores_of_zero(ids, p, keys, values):
    """hidden scores of 0 in place of −∞"""
    return reads(ids, p, keys, values, mask="zero")


@more.mistake(hint="Three things are returned: the outputs, and all keys and values, for the next call.")
def outputs_only(ids, p, keys, values):
    """right, but the outputs alone, without keys and values"""
    return reads(ids, p, keys, values)[0]


@more.mistake(hint="May a token look at itself? In a new text, the first one has nothing else to look at.")
def not_itself(ids, p, keys, values):
    """a mask that hides every new token from itself"""
    return reads(ids, p, keys, values, mask="strict")


@more.mistake(hint="The new tokens look only at each other. What are the old keys and values for?")
def the_past_forgotten(ids, p, keys, values):
    """attention among the new tokens alone"""
    return reads(ids, p, keys, values, cached="forgotten")


@more.mistake(hint="The outputs are right. But the next call needs the new keys and values, too: return old and new together.")
def never_added(ids, p, keys, values):
    """a cache to which nothing was added"""
    return reads(ids, p, keys, values, cached="not added")


@more.mistake(hint="The outputs are right. But you return only the new keys and values: the next call has forgotten the old ones.")
def new_ones_only(ids, p, keys, values):
    """a cache that holds the new tokens alone"""
    return reads(ids, p, keys, values, cached="new only")


@more.mistake(hint="Old ones first: the cache is in the order of the text.")
def new_ones_first(ids, p, keys, values):
    """a cache with the new tokens before the old ones"""
    return reads(ids, p, keys, values, cached="new first")


@more.mistake(hint="The scores are divided by √D.")
def no_root(ids, p, keys, values):
    """attention without the √D"""
    return reads(ids, p, keys, values, scale="none")


@more.mistake(hint="D is the width of a key, C the width of the stream. Which one is under the root?")
def root_of_the_stream(ids, p, keys, values):
    """scores divided by √C"""
    return reads(ids, p, keys, values, scale="C")


@more.mistake(hint="Each query makes shares of the keys: the softmax goes along the rows.")
def over_the_queries(ids, p, keys, values):
    """a softmax over the queries"""
    return reads(ids, p, keys, values, axis=0)


@more.mistake(hint="S old tokens stand at positions 0 to S − 1. S − 1 is taken; which position is free?")
def positions_one_too_low(ids, p, keys, values):
    """positions that are one too low: the last old token's position once more"""
    S, T = len(keys), len(ids)
    start = max(S - 1, 0)
    return reads(ids, p | {"position": np.concatenate([np.zeros((S, p["position"].shape[1])), p["position"][start:start + T]])}, keys, values)


@more.mistake(hint="T tokens stand at T positions: S, S + 1, and so on. Yours stand all at S.")
def one_position_for_all(ids, p, keys, values):
    """one position for all new tokens"""
    S, T = len(keys), len(ids)
    return reads(ids, p | {"position": np.repeat(p["position"][S:S + 1], S + T, axis=0)}, keys, values)


@more.mistake(hint="New token t may look at the S old ones, and at new ones up to itself: s ≤ S + t. Yours sees one more.")
def one_too_many(ids, p, keys, values):
    """a mask that is off by one: each new token reads the next one, too"""
    return reads(ids, p, keys, values, mask="next")


@more.mistake(hint="They are returned in this order: outputs, keys, values.")
def values_before_keys(ids, p, keys, values):
    """right, but values before keys"""
    out, all_keys, all_values = reads(ids, p, keys, values)
    return out, all_values, all_keys


@more.mistake(hint="out is (T, D): an output for every new token, not only for the last.")
def the_last_output_only(ids, p, keys, values):
    """the last token's output alone"""
    out, *cache = reads(ids, p, keys, values)
    return out[-1], *cache


@more.mistake(hint="Keys and values come out of the same x as the queries, with its positions.")
def positions_in_queries_only(ids, p, keys, values):
    """positions that only the queries have"""
    return reads(ids, p, keys, values, positions="q")


@more.mistake(hint="Queries come out of the same x as keys and values, with its positions.")
def positions_not_in_queries(ids, p, keys, values):
    """queries without positions"""
    return reads(ids, p, keys, values, positions="kv")


@more.mistake(hint="Values come out of the same x as queries and keys, with its positions.")
def positions_not_in_values(ids, p, keys, values):
    """values without positions"""
    return reads(ids, p, keys, values, positions="qk")


@more.mistake(hint="Which matrix makes queries, and which keys? Yours has the two exchanged.")
def queries_and_keys_exchanged(ids, p, keys, values):
    """the matrices of queries and keys exchanged"""
    return reads(ids, p, keys, values, roles="kqv")


@more.mistake(hint="Values have a matrix of their own, p[\"v\"].")
def values_of_the_keys(ids, p, keys, values):
    """values made with the matrix of the keys"""
    return reads(ids, p, keys, values, roles="qkk")


@more.mistake(hint="D has a root: the scores are divided by √D.")
def without_the_root(ids, p, keys, values):
    """scores divided by D"""
    return reads(ids, p, keys, values, scale="all of D")


@more.mistake(hint="D is the width of a key, S + T the number of keys. Which one is under the root?")
def root_of_the_number_of_keys(ids, p, keys, values):
    """scores divided by √(S + T)"""
    return reads(ids, p, keys, values, scale="keys")


@more.mistake(hint="The outputs are right. In what you return, the cache is in the order of the text: old ones first.")
def new_ones_first_returned(ids, p, keys, values):
    """right outputs, with a cache that has the new tokens before the old ones"""
    return reads(ids, p, keys, values, cached="new first after")


@more.mistake(hint="The outputs and the keys are right. But the next call needs the old values, too.")
def new_values_only(ids, p, keys, values):
    """a cache with all keys, but the new values alone"""
    return reads(ids, p, keys, values, cached="new values")


@more.mistake(hint="The outputs and the keys are right. But the next call needs the new values, too.")
def old_values_only(ids, p, keys, values):
    """a cache with all keys, but the old values alone"""
    return reads(ids, p, keys, values, cached="old values")


@more.mistake(hint="The outputs are right. The cache takes the keys of the new tokens; yours holds their queries.")
def queries_in_the_cache(ids, p, keys, values):
    """a cache with queries in place of keys"""
    return reads(ids, p, keys, values, cached="queries")


@more.mistake(hint="New token t sees the S old ones, itself, and the new ones before it. Yours does not see these.")
def not_each_other(ids, p, keys, values):
    """new tokens that see the old ones and themselves, but no new ones before them"""
    return reads(ids, p, keys, values, mask="not each other")


@more.mistake(hint="Turned round: what the mask lets through is what it should hide.")
def the_future_only(ids, p, keys, values):
    """a mask that shows each token itself and what comes after it"""
    return reads(ids, p, keys, values, mask="future")


@more.mistake(hint="Also with S > 0 several tokens may come at once, and the first of them may not look at the second.")
def a_mask_in_new_texts_only(ids, p, keys, values):
    """a mask in new texts only: after old tokens, new ones look at newer ones"""
    return reads(ids, p, keys, values, mask="in new texts")


@more.mistake(hint="A number added to what is visible hides nothing. What is hidden gets −∞.")
def a_mask_added(ids, p, keys, values):
    """scores with 1 added where they are visible"""
    return reads(ids, p, keys, values, mask="added")


@more.mistake(hint="A score of −5 is small, but not hidden: its share is not 0. Put −∞.")
def not_small_enough(ids, p, keys, values):
    """hidden scores of −5 in place of −∞"""
    return reads(ids, p, keys, values, shut=-5.0)


@more.mistake(hint="Each token looks at everything up to itself, not only at the last few.")
def a_window_of_four(ids, p, keys, values):
    """a window: each token sees the last four alone"""
    return reads(ids, p, keys, values, mask="window")


@more.mistake(hint="The rows of p[\"position\"] are for places in the text, S to S + T − 1. Yours are chosen by the token's id.")
def positions_of_the_ids(ids, p, keys, values):
    """positions looked up by the tokens' ids"""
    S = len(keys)
    table = np.concatenate([np.zeros((S, p["position"].shape[1])), p["position"][ids]])
    return reads(ids, p | {"position": table}, keys, values)


@more.mistake(hint="Token and position are added, not multiplied.")
def positions_multiplied(ids, p, keys, values):
    """tokens times positions"""
    S, T = len(keys), len(ids)
    table = np.zeros_like(p["position"])
    table[S:S + T] = p["token"][ids] * (p["position"][S:S + T] - 1)
    return reads(ids, p | {"position": table}, keys, values)


@more.mistake(hint="The shares are only the way: multiply them by the values.")
def shares_returned(ids, p, keys, values):
    """the shares of attention in place of the outputs"""
    S, T = len(keys), len(ids)
    _, *cache = reads(ids, p, keys, values)
    x = p["token"][ids] + p["position"][S:S + T]
    scores = x @ p["q"].T @ cache[0].T / math.sqrt(keys.shape[1])
    return shares(np.where(np.tri(T, S + T, k=S, dtype=bool), scores, -np.inf)), *cache


@more.forbid("course_lib.byhand.attention.attention")
def _(call, ids, p, keys, values):
    S, T = len(keys), len(ids)
    x = p["token"][ids] + p["position"][np.arange(S, S + T)]
    keys, values = np.vstack([keys, x @ p["k"].T]), np.vstack([values, x @ p["v"].T])
    return call(x @ p["q"].T, keys, values, np.arange(S + T) <= np.arange(S, S + T)[:, None])[0], keys, values
