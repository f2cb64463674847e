"""Exercise 13.5: beam search for the best text."""

import math

import numpy as np
import torch

from course_lib.classroom.checking.exercise import Exercise


def shares(z, axis=-1):
    """Softmax, for wrong answers whose mistake is elsewhere."""
    e = np.exp(z - z.max(axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)


beams = Exercise(
    "13.5", "best_text", title="Several at once", difficulty=4, minutes=25,
    hints=(
        "Two lists: beams, pairs of ids and log P, and finished ones with their scores. What happens to each in one step?",
        "Make one list of all candidates of all beams, sort it once by log P, the best first. Then the two rules are two slices: who of "
        "the first n_beam has ended, and who are the first n_beam that have not.",
        "In step number n: for the first n_beam candidates, if the last id is stop_id or n is max_new_tokens, note log P / n**alpha and "
        "the ids. The next beams are those whose last id is not stop_id, at most n_beam. In the end: the note with the largest score.",
    ),
)


def a_writer(rng, V=5, places=4, end=""):
    """A model of the next id that knows how long the text is, and its last id.

    end: "tempting", 0 is second everywhere; "likely", first; "too late", third at first, where it would have been best.
    """
    logits = (0.2 if end == "too late" else 1.5) * rng.normal(size=(places, V + 1, V))
    if end == "tempting":
        logits[..., 0] = np.sort(logits[..., 1:])[..., -2] + 0.1
    if end == "likely":
        logits[..., 0] = logits[..., 1:].max(axis=-1) + rng.uniform(0.1, 1.0)
    if end == "too late":
        logits[0, V] = [0.7, *rng.permutation([1.0, 1.1]), *[-9.0] * (V - 3)]
    table = np.log(shares(logits))
    return lambda ids: table[len(ids) % places, ids[-1] if len(ids) else V].copy()


def written(ids):
    return " ".join(str(i) for i in np.asarray(ids, dtype=int).tolist())


def texts(ns, writers, settings, stop_id=0):
    """The best text and its score for each model, at each setting (n_beam, max_new_tokens, alpha)."""
    found = {}
    for number, writer in enumerate(writers, start=1):
        for n_beam, longest, alpha in settings:
            ids, score = ns["best_text"](writer, n_beam, longest, stop_id, alpha)
            setting = f"of model {number} with n_beam={n_beam}, max_new_tokens={longest}, stop_id={stop_id}, alpha={alpha:g}"
            found |= {f"best text {setting}": written(ids), f"score {setting}": score}
    return found


@beams.probe()
def two_beams(ns, rng):
    """two beams"""
    return texts(ns, [a_writer(rng) for _ in range(4)], [(2, 5, 0.0), (2, 5, 1.0)])


@beams.probe()
def tempted(ns, rng):
    """texts that could end at any time"""
    return texts(ns, [a_writer(rng, end="tempting") for _ in range(6)], [(2, 6, 1.5)])


@beams.probe()
def three_beams(ns, rng):
    """three beams, and a text that never ends by itself"""
    endless = a_writer(rng, places=3)

    def never(ids):
        log_probs = endless(ids)
        log_probs[0] = -50.0
        return log_probs

    return texts(ns, [a_writer(rng, V=6), a_writer(rng, V=6), never], [(3, 6, 0.7)])


@beams.probe()
def another_stop(ns, rng):
    """texts that end with id 2"""
    return texts(ns, [a_writer(rng) for _ in range(3)], [(3, 4, 0.0)], stop_id=2)


@beams.probe()
def the_last_id_stops(ns, rng):
    """texts that end with the last id there is"""
    return texts(ns, [a_writer(rng) for _ in range(3)], [(2, 5, 1.0)], stop_id=4)


@beams.probe()
def tempted_again(ns, rng):
    """other texts that could end at any time, three beams"""
    return texts(ns, [a_writer(rng, V=6, end="tempting") for _ in range(8)], [(3, 6, 1.2)])


@beams.probe()
def likely_to_end(ns, rng):
    """texts that are likely to end at any time, which a large alpha forbids"""
    return texts(ns, [a_writer(rng, V=6, end="likely") for _ in range(8)], [(3, 6, 2.5)])


@beams.probe()
def an_end_too_late(ns, rng):
    """texts whose end is never among the best"""
    return texts(ns, [a_writer(rng, end="too late") for _ in range(3)], [(2, 5, 0.0)])


@beams.probe()
def narrow_and_wide(ns, rng):
    """one beam, more beams than there are ids, and a single step"""
    return texts(ns, [a_writer(rng, V=3), a_writer(rng, V=3)], [(1, 3, 0.5), (8, 3, 1.0), (2, 1, 0.0)])


@beams.probe()
def a_long_text(ns, rng):
    """a long text, of 260 ids out of 60, nearly all of them alike"""
    table = np.log(shares(0.05 * rng.normal(size=(7, 60))))
    return texts(ns, [lambda ids: table[len(ids) % 7].copy()], [(1, 260, 1.0)], stop_id=59)


@beams.probe(hidden=True)
def any_long_text(ns, rng):
    """any long text"""
    V = int(rng.integers(50, 70))
    table = np.log(shares(0.05 * rng.normal(size=(5, V))))
    return texts(ns, [lambda ids: table[len(ids) % 5].copy()], [(1, 260, 1.0)], stop_id=V - 1)


@beams.probe(hidden=True, points=3)
def any_model(ns, rng):
    """any model"""
    settings = [(int(rng.integers(2, 5)), 6, alpha) for alpha in (0.0, 0.6, 1.0)]
    found = texts(ns, [a_writer(rng, V=int(rng.integers(5, 8))) for _ in range(10)], settings)
    found = [found, texts(ns, [a_writer(rng, end="too late") for _ in range(3)], [(2, 5, 0.0)])]
    return [*found, texts(ns, [a_writer(rng) for _ in range(5)], [(2, 5, 1.0)], stop_id=int(rng.integers(1, 5)))]


@beams.probe(hidden=True)
def any_tempted(ns, rng):
    """other texts that could end at any time, or are likely to"""
    found = texts(ns, [a_writer(rng, end="tempting") for _ in range(15)], [(2, 8, 1.5)])
    return [found, texts(ns, [a_writer(rng, V=6, end="likely") for _ in range(8)], [(3, 6, 2.5)])]


@beams.property(seed=(0, 99))
def one_beam_is_greedy(ns, seed):
    """with one beam and alpha=0, always the most probable next id"""
    writer, ids = a_writer(np.random.default_rng(seed)), []
    while len(ids) < 5 and 0 not in ids:
        ids.append(int(writer(ids).argmax()))
    return written(ns["best_text"](writer, 1, 5, 0, 0.0)[0]), written(ids)


@beams.property(seed=(0, 99), alpha=(0.0, 1.5))
def wide_enough(ns, seed, alpha):
    """with a beam for every text there is, the best of all texts"""
    writer = a_writer(np.random.default_rng(seed), V=3)
    texts, ended = [([], 0.0)], []
    for _ in range(3):
        texts = [([*ids, i], so_far + writer(ids)[i]) for ids, so_far in texts for i in range(3)]
        ended += [text for text in texts if text[0][-1] == 0]
        texts = [text for text in texts if text[0][-1] != 0]
    return ns["best_text"](writer, 27, 3, 0, alpha)[1], max(total / len(ids)**alpha for ids, total in ended + texts)


def searched(next_log_probs, n_beam, longest, stop_id, alpha, *, score=lambda total, n, alpha: total / n**alpha, stops=True,
             refilled=True, unfinished=True, only_best_end=True, apart=False, enough=math.inf, best=max, fold=lambda a, b: a + b,
             start=0.0, give=lambda score, total: score, pool=None, until=lambda n, top, held, ended: False, upwards=False, beams_too=False):
    """The right answer, with some things wrong.

    pool: of so many of the best the next beams are taken. until: when it ends early. beams_too: in the end all beams are finished,
    which changes nothing where the score is right: all are of one length.
    """
    held, ended = [([], start)], []
    for n in range(1, longest + 1):
        candidates = []
        for ids, total in held:
            own = [([*ids, i], fold(total, more)) for i, more in enumerate(next_log_probs(ids))]
            candidates += sorted(own, key=lambda one: -one[1])[:1] if apart and n > 1 else own
        candidates.sort(key=lambda one: one[1] if upwards else -one[1])
        top = candidates[:n_beam] if only_best_end else candidates
        last = n == longest
        ended += [(score(total, n, alpha), ids, total) for ids, total in top if (ids[-1] == stop_id and stops) or (last and unfinished)]
        held = [one for one in (candidates[:pool] if refilled else top) if one[0][-1] != stop_id or not stops][:n_beam]
        ended += [(score(total, n, alpha), ids, total) for ids, total in held if last and beams_too]
        if len(ended) >= enough or not held or until(n, top, held, ended):
            break
    reached, ids, total = best(ended)
    return ids, give(reached, total)


@beams.mistake(hint="That is greedy: one beam. Keep the n_beam best texts at each step.")
def greedy(next_log_probs, n_beam, max_new_tokens, stop_id, alpha):
    """greedy decoding: a single beam"""
    return searched(next_log_probs, 1, max_new_tokens, stop_id, alpha)


@beams.mistake(hint="The score is log P divided by the length to the power of alpha. Yours does not know alpha.")
def never_divided(next_log_probs, n_beam, max_new_tokens, stop_id, alpha):
    """a search that does not divide by the length"""
    return searched(next_log_probs, n_beam, max_new_tokens, stop_id, 0.0)


@beams.mistake(hint="log P is negative: multiplied by the length it becomes even more so, and long texts have no chance. Divide.")
def multiplied_by_the_length(next_log_probs, n_beam, max_new_tokens, stop_id, alpha):
    """a score multiplied by the length"""
    return searched(next_log_probs, n_beam, max_new_tokens, stop_id, -alpha)


@beams.mistake(hint="The length counts stop_id, too: it is an id that had to be chosen.")
def stop_not_counted(next_log_probs, n_beam, max_new_tokens, stop_id, alpha):
    """a length without the stop id"""

    def counted(found):
        return max((total / max(len(ids) - (ids[-1] == stop_id), 1)**alpha, ids, total) for _, ids, total in found)

    return searched(next_log_probs, n_beam, max_new_tokens, stop_id, alpha, best=counted)


@beams.mistake(hint="The length counts stop_id like all other ids. In yours, a text that ends with it is one shorter than it is.")
def stop_counted_nowhere(next_log_probs, n_beam, max_new_tokens, stop_id, alpha):
    """lengths in which the stop id is not counted"""

    def counted(found):
        return max((total / max(len(ids) - (ids[-1] == stop_id), 1)**alpha, ids, total) for _, ids, total in found)

    return searched(next_log_probs, n_beam, max_new_tokens, stop_id, alpha, best=counted, beams_too=True)


@beams.mistake(hint="alpha is an exponent: n ** alpha, not n · alpha.")
def alpha_times(next_log_probs, n_beam, max_new_tokens, stop_id, alpha):
    """a score divided by alpha times the length"""
    return searched(next_log_probs, n_beam, max_new_tokens, stop_id, alpha, score=lambda total, n, alpha: total / (n * alpha or 1))


@beams.mistake(hint="A text that ends with stop_id is finished: nothing comes after it.")
def going_on_after_the_end(next_log_probs, n_beam, max_new_tokens, stop_id, alpha):
    """texts that go on after the stop id"""
    return searched(next_log_probs, n_beam, max_new_tokens, stop_id, alpha, stops=False)


@beams.mistake(hint="When a text is finished, its place is free: the next candidate that has not ended moves up, so that there are n_beam beams again.")
def places_lost(next_log_probs, n_beam, max_new_tokens, stop_id, alpha):
    """a search that loses a beam with every finished text"""
    return searched(next_log_probs, n_beam, max_new_tokens, stop_id, alpha, refilled=False)


def in_one_list(next_log_probs, n_beam, longest, stop_id, alpha, by_score):
    """A search that keeps ended texts among its beams."""

    def rank(text):
        ids, total = text
        return total / len(ids)**alpha if by_score else total

    held = [([], 0.0)]
    for _ in range(longest):
        ended = [text for text in held if text[0] and text[0][-1] == stop_id]
        going = [text for text in held if text not in ended]
        more = [([*ids, i], total + one) for ids, total in going for i, one in enumerate(next_log_probs(ids))]
        held = sorted(ended + more, key=rank)[-n_beam:]
    ids, total = max(held, key=lambda text: text[1] / len(text[0])**alpha)
    return ids, total / len(ids)**alpha


@beams.mistake(hint="A finished text is no beam any more: put it aside, so that n_beam others can go on.")
def ended_ones_stay(next_log_probs, n_beam, max_new_tokens, stop_id, alpha):
    """finished texts that stay among the beams, and keep others out"""
    return in_one_list(next_log_probs, n_beam, max_new_tokens, stop_id, alpha, by_score=False)


@beams.mistake(hint="Two things: candidates are ranked by log P, and only finished texts by the score; and a finished text is no beam any more.")
def ended_ones_stay_by_score(next_log_probs, n_beam, max_new_tokens, stop_id, alpha):
    """beams ranked by their score, with finished texts among them"""
    return in_one_list(next_log_probs, n_beam, max_new_tokens, stop_id, alpha, by_score=True)


@beams.mistake(hint="After max_new_tokens the n_beam best are finished as they are, even without stop_id.")
def unfinished_forgotten(next_log_probs, n_beam, max_new_tokens, stop_id, alpha):
    """a search that forgets what has not ended"""
    return searched(next_log_probs, n_beam, max_new_tokens, stop_id, alpha, unfinished=False,
                    best=lambda found: max(found, default=(-math.inf, [], 0.0)))


@beams.mistake(hint="What is unfinished after max_new_tokens counts as it is, also when others have ended before.")
def unfinished_only_if_nothing_ended(next_log_probs, n_beam, max_new_tokens, stop_id, alpha):
    """unfinished texts that count only where nothing has ended"""

    def ended_before(found):
        return max([one for one in found if one[1][-1] == stop_id] or found)

    return searched(next_log_probs, n_beam, max_new_tokens, stop_id, alpha, best=ended_before)


@beams.mistake(hint="Some texts have ended, but a longer one can still get a better score. Go on for all of max_new_tokens.")
def enough_have_ended(next_log_probs, n_beam, max_new_tokens, stop_id, alpha):
    """a search that ends as soon as n_beam texts have"""
    return searched(next_log_probs, n_beam, max_new_tokens, stop_id, alpha, enough=n_beam)


@beams.mistake(hint="A candidate may end only if it is among the n_beam best. Else any beam could be cut short with a stop_id at any time.")
def anything_may_end(next_log_probs, n_beam, max_new_tokens, stop_id, alpha):
    """finished texts that were not among the n_beam best candidates"""
    return searched(next_log_probs, n_beam, max_new_tokens, stop_id, alpha, only_best_end=False)


@beams.mistake(hint="All continuations of all beams compete in one list. With yours, each beam has exactly one heir.")
def each_beam_alone(next_log_probs, n_beam, max_new_tokens, stop_id, alpha):
    """beams that do not compete: each goes on greedily by itself"""
    return searched(next_log_probs, n_beam, max_new_tokens, stop_id, alpha, apart=True)


@beams.mistake(hint="The first finished text need not be the best one. Go on, and compare scores in the end.")
def the_first_that_ends(next_log_probs, n_beam, max_new_tokens, stop_id, alpha):
    """the first text that ends"""
    return searched(next_log_probs, n_beam, max_new_tokens, stop_id, alpha, enough=1)


@beams.mistake(hint="The text is right. What is returned with it is its score, log P divided by n ** alpha, not log P.")
def log_prob_returned(next_log_probs, n_beam, max_new_tokens, stop_id, alpha):
    """the right text with its log P in place of its score"""
    return searched(next_log_probs, n_beam, max_new_tokens, stop_id, alpha, give=lambda score, total: total)


@beams.mistake(hint="A text's log P is the sum over all of its ids. Yours knows only the last one.")
def the_last_step_only(next_log_probs, n_beam, max_new_tokens, stop_id, alpha):
    """texts ranked by their last id alone"""
    return searched(next_log_probs, n_beam, max_new_tokens, stop_id, alpha, fold=lambda total, more: more)


@beams.mistake(hint="Logarithms of probabilities are added. Multiplied, two negative ones become positive.")
def logarithms_multiplied(next_log_probs, n_beam, max_new_tokens, stop_id, alpha):
    """log-probabilities that are multiplied"""
    return searched(next_log_probs, n_beam, max_new_tokens, stop_id, alpha, fold=lambda total, more: total * more, start=1.0)


@beams.mistake(hint="stop_id is an argument: it need not be 0.")
def always_zero(next_log_probs, n_beam, max_new_tokens, stop_id, alpha):
    """a search in which 0 ends a text, whatever stop_id is"""
    return searched(next_log_probs, n_beam, max_new_tokens, 0, alpha)


@beams.mistake(hint="First the ids, then the score.")
def score_before_ids(next_log_probs, n_beam, max_new_tokens, stop_id, alpha):
    """right, but the score before the ids"""
    return searched(next_log_probs, n_beam, max_new_tokens, stop_id, alpha)[::-1]


@beams.mistake(hint="Two things are returned: the ids, and their score.")
def ids_alone(next_log_probs, n_beam, max_new_tokens, stop_id, alpha):
    """the ids alone, without the score"""
    return searched(next_log_probs, n_beam, max_new_tokens, stop_id, alpha)[0]


@beams.mistake(hint="stop_id is part of the text: return it with the others.")
def without_the_stop(next_log_probs, n_beam, max_new_tokens, stop_id, alpha):
    """the best text without its stop_id"""
    ids, score = searched(next_log_probs, n_beam, max_new_tokens, stop_id, alpha)
    return [i for i in ids if i != stop_id], score


@beams.mistake(hint="Yours chooses by log P, and divides afterwards. Divide first: the best text is the one with the best *score*.")
def divided_afterwards(next_log_probs, n_beam, max_new_tokens, stop_id, alpha):
    """the text with the best log P, and its score"""
    return searched(next_log_probs, n_beam, max_new_tokens, stop_id, alpha, best=lambda found: max(found, key=lambda one: one[2]))


@beams.mistake(hint="All finished texts have a score, those with stop_id too: log P divided by n ** alpha.")
def ended_ones_not_divided(next_log_probs, n_beam, max_new_tokens, stop_id, alpha):
    """texts with stop_id that compete with their log P, not divided"""
    return searched(next_log_probs, n_beam, max_new_tokens, stop_id, alpha, best=lambda found: max(
        (total if ids[-1] == stop_id else reached, ids, total) for reached, ids, total in found))


@beams.mistake(hint="All finished texts have a score, those without stop_id too: log P divided by n ** alpha.")
def unfinished_ones_not_divided(next_log_probs, n_beam, max_new_tokens, stop_id, alpha):
    """texts without stop_id that compete with their log P, not divided"""
    return searched(next_log_probs, n_beam, max_new_tokens, stop_id, alpha, best=lambda found: max(
        (reached if ids[-1] == stop_id else total, ids, total) for reached, ids, total in found))


@beams.mistake(hint="Scores are negative, and the best one is the largest: nearest to 0.")
def the_worst_score(next_log_probs, n_beam, max_new_tokens, stop_id, alpha):
    """the finished text with the worst score"""
    return searched(next_log_probs, n_beam, max_new_tokens, stop_id, alpha, best=min)


@beams.mistake(hint="The best candidates have the largest log P, nearest to 0. Yours keeps the least probable ones.")
def the_least_probable(next_log_probs, n_beam, max_new_tokens, stop_id, alpha):
    """the least probable candidates in place of the best"""
    return searched(next_log_probs, n_beam, max_new_tokens, stop_id, alpha, upwards=True)


@beams.mistake(hint="((5 + n) / 6)^α is the length penalty of another paper. Here the score is log P / n^α.")
def of_another_paper(next_log_probs, n_beam, max_new_tokens, stop_id, alpha):
    """a score divided by ((5 + n) / 6)^α"""
    return searched(next_log_probs, n_beam, max_new_tokens, stop_id, alpha, score=lambda total, n, alpha: total / ((5 + n) / 6)**alpha)


@beams.mistake(hint="n counts the ids of each text; those that ended early have fewer than max_new_tokens.")
def one_length_for_all(next_log_probs, n_beam, max_new_tokens, stop_id, alpha):
    """every score divided by max_new_tokens ** alpha"""
    return searched(next_log_probs, n_beam, max_new_tokens, stop_id, alpha, score=lambda total, n, alpha: total / max_new_tokens**alpha)


@beams.mistake(hint="n counts the ids of the text. The empty text in the beginning has none: yours counts one too many.")
def a_length_too_large(next_log_probs, n_beam, max_new_tokens, stop_id, alpha):
    """a length that is one too large"""
    return searched(next_log_probs, n_beam, max_new_tokens, stop_id, alpha, score=lambda total, n, alpha: total / (n + 1)**alpha)


@beams.mistake(hint="n counts all ids of a text, the last one too, with or without stop_id. Yours counts one less.")
def a_length_too_small(next_log_probs, n_beam, max_new_tokens, stop_id, alpha):
    """a length that is one too small"""
    return searched(next_log_probs, n_beam, max_new_tokens, stop_id, alpha, score=lambda total, n, alpha: total / max(n - 1, 1)**alpha)


@beams.mistake(hint="The exponent is alpha itself.")
def half_of_alpha(next_log_probs, n_beam, max_new_tokens, stop_id, alpha):
    """a score divided by n to the half of alpha"""
    return searched(next_log_probs, n_beam, max_new_tokens, stop_id, alpha, score=lambda total, n, alpha: total / n**(alpha / 2))


@beams.mistake(hint="log P of a text is a sum of logarithms. Of probabilities, one takes products.")
def probabilities_added(next_log_probs, n_beam, max_new_tokens, stop_id, alpha):
    """probabilities that are added, in place of their logarithms"""
    return searched(next_log_probs, n_beam, max_new_tokens, stop_id, alpha, fold=lambda total, more: total + math.exp(more))


@beams.mistake(hint="A text with stop_id is finished, and may be the best one, though it is short: compare the scores of all.")
def no_text_ends(next_log_probs, n_beam, max_new_tokens, stop_id, alpha):
    """a search in which the longest texts win, or none may end with stop_id"""
    return searched(next_log_probs, n_beam, max_new_tokens, stop_id, alpha, best=lambda found: max(
        one for one in found if len(one[1]) == max_new_tokens))


@beams.mistake(hint="That the best candidate has ended does not end the search: beams that go on may get a better score.")
def when_the_best_ends(next_log_probs, n_beam, max_new_tokens, stop_id, alpha):
    """a search that ends when the best candidate has"""
    return searched(next_log_probs, n_beam, max_new_tokens, stop_id, alpha, until=lambda n, top, held, ended: top[0][0][-1] == stop_id)


@beams.mistake(hint="All of the n_beam best may end in one step: the n_beam best of the others go on all the same.")
def when_all_end_at_once(next_log_probs, n_beam, max_new_tokens, stop_id, alpha):
    """a search that ends when all of the n_beam best candidates end in one step"""
    return searched(next_log_probs, n_beam, max_new_tokens, stop_id, alpha, until=lambda n, top, held, ended: all(ids[-1] == stop_id for ids, _ in top))


@beams.mistake(hint="With alpha above 0 a longer text may get a better score though its log P is lower. Go on for all of max_new_tokens.")
def when_none_can_gain(next_log_probs, n_beam, max_new_tokens, stop_id, alpha):
    """a search that ends when the best beam's log P is below the best score"""
    return searched(next_log_probs, n_beam, max_new_tokens, stop_id, alpha, until=lambda n, top, held, ended: bool(ended) and held[0][1] <= max(ended)[0])


@beams.mistake(hint="More than one of the best may have ended: take the next beams from *all* candidates, not from the n_beam + 1 best.")
def one_spare_place(next_log_probs, n_beam, max_new_tokens, stop_id, alpha):
    """next beams that are taken from the n_beam + 1 best candidates alone"""
    return searched(next_log_probs, n_beam, max_new_tokens, stop_id, alpha, pool=n_beam + 1)


@beams.mistake(hint="The score is a logarithm, divided. Leave it as it is: no exp.")
def exp_of_the_score(next_log_probs, n_beam, max_new_tokens, stop_id, alpha):
    """the right text, with exp of its score"""
    return searched(next_log_probs, n_beam, max_new_tokens, stop_id, alpha, give=lambda score, total: math.exp(score))


@beams.mistake(hint="max_new_tokens steps: yours makes one more.")
def one_step_more(next_log_probs, n_beam, max_new_tokens, stop_id, alpha):
    """one step too many"""
    return searched(next_log_probs, n_beam, max_new_tokens + 1, stop_id, alpha)


@beams.mistake(hint="max_new_tokens steps: yours makes one less.")
def one_step_less(next_log_probs, n_beam, max_new_tokens, stop_id, alpha):
    """one step too few"""
    return searched(next_log_probs, n_beam, max(max_new_tokens - 1, 1), stop_id, alpha)


@beams.mistake(hint="Beams are ranked by log P, a sum. Divide by n^α when a text is finished, and add nothing to what was divided.")
def divided_on_the_way(next_log_probs, n_beam, max_new_tokens, stop_id, alpha):
    """scores that are divided at each step, with the next log P added to them"""
    held, ended = [([], 0.0)], []
    for n in range(1, max_new_tokens + 1):
        grown = [([*ids, i], (score + more) / n**alpha) for ids, score in held for i, more in enumerate(next_log_probs(ids))]
        grown.sort(key=lambda one: -one[1])
        ended += [one for one in grown[:n_beam] if n == max_new_tokens or one[0][-1] == stop_id]
        held = [one for one in grown if one[0][-1] != stop_id][:n_beam]
    return max(ended, key=lambda one: one[1])


@beams.mistake(hint="The product of many probabilities is 0 in floats. Add logarithms.")
def a_product(next_log_probs, n_beam, max_new_tokens, stop_id, alpha):
    """right, until the product of the probabilities is too small for a float"""
    with np.errstate(all="ignore"):
        return searched(next_log_probs, n_beam, max_new_tokens, stop_id, alpha, start=1.0, fold=lambda p, more: p * math.exp(more),
                        score=lambda p, n, alpha: float(np.log(np.float64(p)) / n**alpha))


@beams.forbid("course_lib.generation.beam.beam_search")
def _(call, next_log_probs, n_beam, max_new_tokens, stop_id, alpha):
    def after_a_prompt(idx):
        return torch.tensor(np.stack([next_log_probs(row[1:]) for row in idx.tolist()]))

    found, _ = call(after_a_prompt, [stop_id], n_beam=n_beam, max_new_tokens=max_new_tokens, stop_ids=[stop_id], alpha=alpha)
    return found[0].ids, found[0].score
