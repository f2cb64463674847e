"""Exercise 12.1: ids cut into windows, and the next token of each as its target."""

import numpy as np
import torch

from course_lib.classroom.checking.exercise import Exercise

windows = Exercise(
    "12.1", "next_token_windows", title="What is asked of the model", difficulty=1, minutes=5,
    hints=(
        "What is the target of the last token of a window? It stands outside the window.",
        "How many whole windows are there? Every token of them needs a next one, so count pairs, not tokens.",
        "N ids hold N − 1 pairs, so n = (N − 1) // T windows. idx is the first n · T ids as n rows, targets are as many "
        "ids, starting one later.",
    ),
)


def some_ids(rng, n):
    return torch.tensor(rng.integers(0, 1000, n))


@windows.probe(axes="a window each row")
def ten_tokens(ns, rng):
    """ten tokens in windows of three"""
    return ns["next_token_windows"](some_ids(rng, 10), 3)


@windows.probe(axes="a window each row")
def a_pair_too_few(ns, rng):
    """six tokens in windows of three: the last target must exist, too"""
    return ns["next_token_windows"](some_ids(rng, 6), 3)


@windows.probe(axes="a window each row")
def one_window(ns, rng):
    """five tokens, one window of four: it just fits"""
    return ns["next_token_windows"](some_ids(rng, 5), 4)


@windows.probe(axes="a window each row")
def windows_of_one(ns, rng):
    """windows of one token"""
    return ns["next_token_windows"](some_ids(rng, 6), 1)


@windows.probe(axes="a window each row")
def a_rest(ns, rng):
    """twelve tokens in windows of four: three are left over"""
    return ns["next_token_windows"](some_ids(rng, 12), 4)


@windows.probe(axes="a window each row")
def nothing_fits(ns, rng):
    """three tokens, which fill no window of four"""
    return ns["next_token_windows"](some_ids(rng, 3), 4)


@windows.probe(hidden=True)
def a_multiple(ns, rng):
    """a number of tokens that is a multiple of the window's length"""
    context_length = int(rng.integers(4, 9))
    return ns["next_token_windows"](some_ids(rng, 7 * context_length), context_length)


@windows.probe(hidden=True)
def nothing_left_over(ns, rng):
    """windows that use up every token"""
    context_length = int(rng.integers(4, 9))
    return ns["next_token_windows"](some_ids(rng, 5 * context_length + 1), context_length)


@windows.property(n=(2, 40), context_length=(1, 9))
def every_pair_once(ns, n, context_length):
    """the targets, read one after another, are the ids from the second on"""
    n = max(n, context_length + 1)
    _, targets = ns["next_token_windows"](torch.arange(n), context_length)
    return targets.flatten(), torch.arange(1, 1 + (n - 1) // context_length * context_length)


@windows.mistake(hint="A model that sees a token and is asked for the same one learns to copy. Ask for the next one.")
def targets_are_the_inputs(ids, context_length):
    """a window whose targets are its own inputs"""
    n = (len(ids) - 1) // context_length
    idx = ids[: n * context_length].view(n, context_length)
    return idx, idx


@windows.mistake(hint="Article 004 trains so (section 5). A language model is asked at every position: T targets a row.")
def one_label_a_window(ids, context_length):
    """one label for each window, as in the article"""
    n = (len(ids) - 1) // context_length
    return ids[: n * context_length].view(n, context_length), ids[context_length : n * context_length + 1 : context_length]


@windows.mistake(hint="The last token of a window is a target as well: its pair must not get lost between windows.")
def pairs_lost_between_windows(ids, context_length):
    """cut into pieces first and moved afterwards: one pair between two windows is lost"""
    n = len(ids) // (context_length + 1)
    pieces = ids[: n * (context_length + 1)].view(n, context_length + 1)
    return pieces[:, :-1], pieces[:, 1:]


@windows.mistake(hint="The next token is one place to the right, not to the left.")
def moved_the_wrong_way(ids, context_length):
    """a window whose targets are the previous tokens"""
    n = (len(ids) - 1) // context_length
    return ids[1 : n * context_length + 1].view(n, context_length), ids[: n * context_length].view(n, context_length)


@windows.mistake(hint="A window is a row: view(windows, context_length).")
def windows_down(ids, context_length):
    """as many rows as a window is long: rows and columns are swapped"""
    n = (len(ids) - 1) // context_length
    return ids[: n * context_length].view(-1, n), ids[1 : n * context_length + 1].view(-1, n)


@windows.mistake(hint="torch.roll brings the first token of each row back to its end. Move before you cut into rows.")
def rolled_inside_the_row(ids, context_length):
    """targets rolled within each row, so that its last target is its first token"""
    n = (len(ids) - 1) // context_length
    idx = ids[: n * context_length].view(n, context_length)
    return idx, idx.roll(-1, dims=1)


@windows.mistake(hint="Windows lie side by side: the next one starts where this one ends, not one token later.")
def overlapping_windows(ids, context_length):
    """windows that start at every token"""
    return ids[:-1].unfold(0, context_length, 1), ids[1:].unfold(0, context_length, 1)


@windows.mistake(hint="Six tokens hold five pairs. How many windows of three pairs is that?")
def counts_tokens_instead_of_pairs(ids, context_length):
    """one window too many: tokens were counted, not pairs"""
    n = len(ids) // context_length
    idx = ids[: n * context_length].view(n, context_length)
    return idx, ids[1 : n * context_length + 1].view(n, context_length)


@windows.mistake(hint="The next token is one place to the right, not two.")
def two_places(ids, context_length):
    """a window whose targets are two places to the right"""
    n = (len(ids) - 2) // context_length
    return ids[: n * context_length].view(n, context_length), ids[2 : n * context_length + 2].view(n, context_length)


@windows.mistake(hint="The last token of each window has a next one, too: it stands in the next window. Move before you cut.")
def one_column_less(ids, context_length):
    """windows that lose a column: cut first, moved afterwards"""
    n = len(ids) // context_length
    idx = ids[: n * context_length].view(n, context_length)
    return idx[:, :-1], idx[:, 1:]


@windows.mistake(hint="The last token of all has no next one; the first is not it. Six tokens hold five pairs.")
def round_to_the_beginning(ids, context_length):
    """the first token of all as the target of the last"""
    n = len(ids) // context_length
    return ids[: n * context_length].view(n, context_length), ids.roll(-1)[: n * context_length].view(n, context_length)


@windows.mistake(hint="What does not fill a whole window is left out, not filled up.")
def filled_up(ids, context_length):
    """a last window that is filled up with zeros"""
    n = -(-(len(ids) - 1) // context_length)
    ids = torch.cat([ids, torch.zeros(n * context_length + 1 - len(ids), dtype=ids.dtype)])
    return ids[:-1].view(n, context_length), ids[1:].view(n, context_length)


@windows.mistake(hint="All whole windows count, the last one, too.")
def one_window_less(ids, context_length):
    """one window too few"""
    n = (len(ids) - 1) // context_length
    idx, targets = ids[: n * context_length], ids[1 : n * context_length + 1]
    return idx.view(n, context_length)[:-1], targets.view(n, context_length)[:-1]


@windows.mistake(hint="Five tokens hold four pairs: one window of four just fits. Where must a range of starts end, or is it < that should be <=?")
def what_just_fits_is_lost(ids, context_length):
    """a last window that is lost when it just fits"""
    n = max(0, (len(ids) - 2) // context_length)
    return ids[: n * context_length].view(n, context_length), ids[1 : n * context_length + 1].view(n, context_length)


@windows.mistake(hint="What does not fill a whole window is left out: no window with 0 and −1 at its end.")
def filled_up_with_targets_not_asked(ids, context_length):
    """a last window that is filled up, with −1 as targets"""
    n = -(-(len(ids) - 1) // context_length)
    more = n * context_length + 1 - len(ids)
    idx, targets = (torch.cat([part, part.new_full((more,), fill)]) for part, fill in ((ids[:-1], 0), (ids[1:], -1)))
    return idx.view(n, context_length), targets.view(n, context_length)


@windows.mistake(hint="The last token of a window has a target: the first of the next window. −1 is for positions that nothing is asked of.")
def last_one_not_asked(ids, context_length):
    """−1 as the last target of each window"""
    n = (len(ids) - 1) // context_length
    targets = ids[1 : n * context_length + 1].view(n, context_length).clone()
    targets[:, -1] = -1
    return ids[: n * context_length].view(n, context_length), targets


@windows.mistake(hint="Row after row: a window holds tokens that follow one another. Yours follow one another down the columns.")
def read_down_the_columns(ids, context_length):
    """windows that are filled column by column"""
    n = (len(ids) - 1) // context_length
    return ids[: n * context_length].view(context_length, n).T, ids[1 : n * context_length + 1].view(context_length, n).T


@windows.mistake(hint="It must work for every length.", memorised=True)
def windows_of_three_only(ids, context_length):
    """windows of three, whatever is asked"""
    n = (len(ids) - 1) // 3
    return ids[: 3 * n].view(n, 3), ids[1 : 3 * n + 1].view(n, 3)


@windows.forbid("course_lib.text.windows.sequential_windows")
def _(call, ids, context_length):
    ids = ids.numpy()
    batches = [(idx[0], targets[0]) for idx, targets in call(ids, 1, context_length)]
    whole = [pair for pair in batches if (pair[1] != -1).all()]
    idx, targets = (np.array([pair[side] for pair in whole], dtype=ids.dtype) for side in (0, 1))
    return idx.reshape(-1, context_length), targets.reshape(-1, context_length)
