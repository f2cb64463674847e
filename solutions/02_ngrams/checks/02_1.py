"""Exercise 02.1: what an n-gram model learns from, every context and the id that came after it."""

import numpy as np

from course_lib.classroom.checking.exercise import Exercise

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
    """order 3, with pairs that come again"""
    return ns["examples"]([3, 1, 4, 1, 5, 3, 1, 4, 1], 3)


@off_by_one.probe(axes="places down, context across")
def a_long_context(ns, rng):
    """order 4, negative and equal ids"""
    return ns["examples"]([7, 7, -1, 7, 7, 0, 7], 4)


@off_by_one.probe(axes="places down, context across")
def one_place(ns, rng):
    """as many ids as the order: a single place"""
    return ns["examples"]([4, 2, 9], 3)


@off_by_one.probe()
def nothing_to_look_at(ns, rng):
    """order 1, which looks at nothing: as many empty contexts as ids"""
    return ns["examples"]([4, 2, 9], 1)


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
    contexts, next_ids = ns["examples"](list(range(9)), order)
    return [len(contexts), len(next_ids)], [9 - order + 1] * 2


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


@off_by_one.mistake(hint="The context stands before the id that comes. Yours stands after it.")
def what_comes_after(ids, order):
    """contexts that stand after the id, not before it"""
    contexts, next_ids = windows(ids[::-1], range(len(ids) - order + 1), order - 1, order - 1)
    return contexts[::-1, ::-1], next_ids[::-1]


@off_by_one.mistake(hint="The first place with enough context is order − 1, counted from 0. Yours begins one later.")
def the_first_is_missing(ids, order):
    """every place but the first one"""
    return windows(ids, range(1, len(ids) - order + 1), order - 1, order - 1)


@off_by_one.mistake(hint="Only places with enough context count. Nothing is put before the text.")
def filled_up_in_front(ids, order):
    """a text with zeros put before it, so that every place has a context"""
    return windows([0] * (order - 1) + list(ids), range(len(ids)), order - 1, order - 1)


@off_by_one.mistake(hint="Contexts and next ids belong together: the i-th id came after the i-th context. Cut both at the same places.")
def all_ids_are_next(ids, order):
    """every id as the next one, also the first ones, which have no context"""
    return windows(ids, range(len(ids) - order + 1), order - 1, order - 1)[0], np.array(ids)


@off_by_one.mistake(hint="Each place counts, also where the same context stands a second time.")
def each_context_once(ids, order):
    """each context once"""
    contexts, next_ids = windows(ids, range(len(ids) - order + 1), order - 1, order - 1)
    return np.unique(contexts, axis=0), next_ids


@off_by_one.mistake(hint="order is an argument: your contexts always hold one id.")
def always_a_bigram(ids, order):
    """bigrams, whatever the order is"""
    return windows(ids, range(len(ids) - 1), 1, 1)


@off_by_one.mistake(hint="Each place counts, also where the same context and the same id stand a second time.")
def each_pair_once(ids, order):
    """each pair of context and id once"""
    contexts, next_ids = windows(ids, range(len(ids) - order + 1), order - 1, order - 1)
    found = dict.fromkeys(zip(map(tuple, contexts.tolist()), next_ids.tolist(), strict=True))
    return np.array([context for context, _ in found], dtype=int), np.array([i for _, i in found], dtype=int)


@off_by_one.mistake(hint="Only places with enough context count. Nothing is put before the text.")
def filled_up_with_minus_one(ids, order):
    """a text with −1 put before it, so that every place has a context"""
    return windows([-1] * (order - 1) + list(ids), range(len(ids)), order - 1, order - 1)


@off_by_one.mistake(hint="Two arrays: all contexts, then all ids that came. zip(*pairs) makes them of a list of pairs.")
def a_list_of_pairs(ids, order):
    """a list of pairs of context and id, in place of two arrays"""
    contexts, next_ids = windows(ids, range(len(ids) - order + 1), order - 1, order - 1)
    return list(zip(contexts.tolist(), next_ids.tolist(), strict=True))


@off_by_one.mistake(hint="Return both: the contexts, and the ids that came after them.")
def the_contexts_alone(ids, order):
    """the contexts alone, without the ids that came"""
    return windows(ids, range(len(ids) - order + 1), order - 1, order - 1)[0]


@off_by_one.mistake(hint="Split each n-gram: the last id is what came, the others are the context.")
def whole_ngrams(ids, order):
    """whole n-grams, which are not split into context and next id"""
    return windows(ids, range(len(ids) - order + 1), order, order - 1)[0]


@off_by_one.mistake(hint="The next id is the one after the context, not the last one in it.")
def the_last_of_the_context(ids, order):
    """the last id of the context as the one that came"""
    contexts, _ = windows(ids, range(len(ids) - order + 1), order - 1, order - 1)
    return contexts, np.array([ids[i - 1] for i in range(order - 1, len(ids))])


@off_by_one.mistake(hint="For N ids there are N − order + 1 places. For order 1 that is N contexts, each of them empty: (N, 0).")
def no_context_at_order_one(ids, order):
    """right, but without any contexts for order 1, where there are as many empty ones as ids"""
    contexts, next_ids = windows(ids, range(len(ids) - order + 1), order - 1, order - 1)
    return (contexts if order > 1 else np.zeros((0, 0))), next_ids
