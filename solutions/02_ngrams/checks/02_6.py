"""Exercise 02.6: the longest piece of a sample that was copied from the text."""

import re

from course_lib.classroom.checking.exercise import Exercise

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
    return ns["longest_piece"]("xcubazperux", COUNTRIES)


@copying.probe()
def nothing_copied(ns, rng):
    """a sample that shares nothing with the text"""
    return ns["longest_piece"]("zzz", "abcabc")


@copying.probe()
def one_letter_each(ns, rng):
    """pieces of one letter"""
    return ns["longest_piece"]("1A2b3a", "a b")


@copying.probe()
def overlapping(ns, rng):
    """a long piece that begins inside a shorter one"""
    return ns["longest_piece"]("perumania", "peru rumania")


@copying.probe()
def overlapping_at_the_end(ns, rng):
    """a long piece inside another, up to the end of the sample"""
    return ns["longest_piece"]("chilebanon", "chile eb lebanon")


@copying.probe()
def capitals(ns, rng):
    """capitals and spaces, just so"""
    return ns["longest_piece"]("Peru and cu ba", "peru and Cuba, cu")


@copying.probe()
def empty_ones(ns, rng):
    """an empty sample, and an empty text"""
    return [list(ns["longest_piece"]("", "peru")), list(ns["longest_piece"]("peru", ""))]


@copying.probe()
def all_copied(ns, rng):
    """a sample that is the whole text, and one that holds it"""
    return [list(ns["longest_piece"]("cuba", "cuba")), list(ns["longest_piece"]("in cuba now", "cuba"))]


@copying.probe()
def signs(ns, rng):
    """dots, brackets and stars, just so"""
    return [*ns["longest_piece"]("a.c (x)*", "abc xx"), *ns["longest_piece"]("1+1=2?", "what is 1+1?")]


@copying.probe()
def read_backwards(ns, rng):
    """a sample that stands backwards in the text"""
    return ns["longest_piece"]("xurep", "peru xu")


@copying.probe()
def a_long_copy(ns, rng):
    """forty letters in one piece, between others"""
    return ns["longest_piece"]("zq" + COUNTRIES[31:71] + "zq", COUNTRIES)


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


@copying.probe(hidden=True)
def any_overlap(ns, rng):
    """a long piece inside another, capitals, nothing at all, the beginning of the text, a dot, backwards"""
    u, v = ("".join(rng.choice(list("abcdefghi"), n).tolist()) for n in (3, int(rng.integers(4, 8))))
    text = f"{u}-{u[-1]}{v}"
    samples = (u + v, (u + v).upper() + v[:2], "123", "Z" + text[:6] + "Z", v[0] + "." + v[2], v[::-1])
    return [list(ns["longest_piece"](sample, text)) for sample in samples]


@copying.property(n=(1, 12))
def a_piece_of_the_text_itself(ns, n):
    """a piece of the text is copied from end to end"""
    return list(ns["longest_piece"](COUNTRIES[3:3 + n], COUNTRIES)), [0, n]


def lengths(sample, text):
    """The longest piece from each start; of an empty sample one, of length 0."""
    return [max(n for n in range(len(sample) - i + 1) if sample[i:i + n] in text) for i in range(len(sample))] or [0]


@copying.mistake(hint="If several are equally long, the first one: replace it only by a longer one.")
def the_last_of_several(sample, text):
    """the last of several pieces of one length"""
    n = lengths(sample, text)
    return (len(n) - 1 - n[::-1].index(max(n)), max(n)) if max(n) else (0, 0)


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


def longest(sample, text):
    n = lengths(sample, text)
    return n.index(max(n)), max(n)


@copying.mistake(hint="The first piece that is found need not be the longest one. Go on, and compare.")
def the_first_piece(sample, text):
    """the first piece that is found, not the longest"""
    n = lengths(sample, text)
    start = next((i for i, one in enumerate(n) if one), 0)
    return start, n[start]


@copying.mistake(hint="After a piece, go on at the next letter, not behind the piece: a longer one may begin inside it.")
def jumping_over(sample, text):
    """a search that jumps over each piece it has found"""
    n, best, i = lengths(sample, text), (0, 0), 0
    while i < len(sample):
        best = (i, n[i]) if n[i] > best[1] else best
        i += max(n[i], 1)
    return best


@copying.mistake(hint="`i + length` may be as large as len(sample): a piece can reach to the end of the sample.")
def never_to_the_end(sample, text):
    """pieces that never reach the last letter of the sample"""
    return longest(sample[:-1], text)


@copying.mistake(hint="Just so: a capital is another letter.")
def all_in_small_letters(sample, text):
    """pieces that are the same only in small letters"""
    return longest(sample.lower(), text.lower())


@copying.mistake(hint="Places are counted from 0.")
def counted_from_one(sample, text):
    """a start that is counted from 1"""
    start, length = longest(sample, text)
    return start + 1, length


@copying.mistake(hint="This is the piece itself. Wanted is where it begins, and how long it is.")
def the_piece_itself(sample, text):
    """the piece, in place of its start and length"""
    start, length = longest(sample, text)
    return sample[start:start + length]


@copying.mistake(hint="Two numbers: where it begins, and how long it is.")
def the_length_alone(sample, text):
    """the length alone, without the start"""
    return longest(sample, text)[1]


@copying.mistake(hint="Pieces of the sample are looked for in the text. Yours looks for pieces of the text in the sample.")
def the_other_way_round(sample, text):
    """the longest piece of the text that stands in the sample"""
    return longest(text, sample)


@copying.mistake(hint="If there is none, the answer is (0, 0).")
def minus_one_for_none(sample, text):
    """−1 where nothing was copied"""
    start, length = longest(sample, text)
    return (start, length) if length else (-1, 0)


@copying.mistake(hint="If there is none, the answer is (0, 0): give the two numbers a value before you search.")
def none_for_none(sample, text):
    """None where nothing was copied"""
    start, length = longest(sample, text)
    return (start, length) if length else None


def longest_that(sample, fits):
    """The first of the longest pieces for which fits(piece), with its length."""
    ends = [(i, j) for i in range(len(sample)) for j in range(i + 1, len(sample) + 1) if fits(sample[i:j])]
    start, end = max(ends, key=lambda one: (one[1] - one[0], -one[0]), default=(0, 0))
    return start, end - start


@copying.mistake(hint="A string is a pattern only for `re`: there a dot is any character. `piece in text` takes it just so.")
def a_pattern(sample, text):
    """a search by pattern, in which . and * and brackets are no plain characters"""
    def fits(piece):
        try:
            return re.search(piece, text)
        except re.error:
            return False

    return longest_that(sample, fits)


@copying.mistake(hint="Just so: from left to right. What stands in the text backwards was not copied.")
def backwards_too(sample, text):
    """pieces that may stand in the text backwards"""
    return longest_that(sample, lambda piece: piece in text or piece in text[::-1])


@copying.mistake(hint="All letters of the piece must stand in the text beside each other, in this order: `piece in text`.")
def letters_in_any_order(sample, text):
    """pieces whose letters stand in the text one by one"""
    return longest_that(sample, lambda piece: all(letter in text for letter in piece))


@copying.mistake(hint="A piece need not be a word: it may begin and end anywhere in the text.")
def whole_words(sample, text):
    """whole words of the text only"""
    return longest_that(sample, lambda piece: piece in text.split())


@copying.mistake(hint="A piece may end anywhere in the sample, not only at its end.")
def only_to_the_end(sample, text):
    """the longest piece at the end of the sample"""
    return longest_that(sample, lambda piece: piece in text and sample.endswith(piece))


@copying.mistake(hint="A single letter is a piece, too. Where does your range begin?")
def at_least_two(sample, text):
    """pieces of two letters or more"""
    return longest_that(sample, lambda piece: len(piece) > 1 and piece in text)


@copying.mistake(hint="Capitals and spaces count as they stand: a piece may have spaces in it.")
def letters_only(sample, text):
    """pieces of letters only, without spaces and signs"""
    return longest_that(sample, lambda piece: piece.isalpha() and piece in text)


@copying.mistake(hint="Capitals and spaces count as they stand: take none away.")
def spaces_taken_away(sample, text):
    """a sample whose spaces were taken away"""
    return longest(sample.replace(" ", ""), text)


@copying.mistake(hint="Capitals and spaces count as they stand: take none away.")
def spaces_taken_away_in_the_text(sample, text):
    """a text whose spaces were taken away"""
    return longest(sample, text.replace(" ", ""))


@copying.mistake(hint="The piece may stand somewhere else in the text: `piece in text`, not at the same place.")
def at_the_same_place(sample, text):
    """pieces that stand at the same place in both"""
    pairs = [(i, j) for i in range(len(sample)) for j in range(i + 1, len(sample) + 1) if sample[i:j] == text[i:j]]
    start, end = max(pairs, key=lambda one: (one[1] - one[0], -one[0]), default=(0, 0))
    return start, end - start


@copying.mistake(hint="The whole sample is a piece of itself: it may have been copied from end to end.")
def never_all_of_it(sample, text):
    """pieces that are shorter than the sample"""
    return longest_that(sample, lambda piece: len(piece) < len(sample) and piece in text)


@copying.mistake(hint="A piece may reach to the last letter of the text. Where does your range end?")
def not_the_last_letter_of_the_text(sample, text):
    """a text whose last letter is never looked at"""
    return longest(sample, text[:-1])


@copying.mistake(hint="text.find(piece) is 0 for what stands at the very beginning, and −1 for what is not there. Or ask `piece in text`.")
def find_above_zero(sample, text):
    """a piece that stands at the very beginning of the text, taken for one that is not there"""
    return longest_that(sample, lambda piece: text.find(piece) > 0)


@copying.mistake(hint="Where a piece ends, a longer one may have begun inside it: go back to the letter after its start.")
def begins_anew_at_each_miss(sample, text):
    """a search that begins anew where a piece ends, and loses what began inside it"""
    best, start = (0, 0), 0
    for i in range(len(sample)):
        if sample[start:i + 1] not in text:
            start = i
        elif i + 1 - start > best[1]:
            best = (start, i + 1 - start)
    return best


@copying.mistake(hint="Where it begins was asked for, not where it ends.")
def end_and_length(sample, text):
    """the end in place of the start"""
    start, length = longest(sample, text)
    return start + length, length


@copying.mistake(hint="Where it begins is one place later: the end that you counted from is the place of the last letter, not behind it.")
def one_too_early(sample, text):
    """a start that is one too small"""
    start, length = longest(sample, text)
    return (start - 1, length) if length else (0, 0)


@copying.mistake(hint="The start first, then the length.")
def length_and_start(sample, text):
    """length and start, in the wrong order"""
    return longest(sample, text)[::-1]


@copying.mistake(hint="The first letter of a piece may stand at several places of the text. Try them all.")
def the_first_place_only(sample, text):
    """a search at the first place alone where a letter stands in the text"""
    found = (0, 0)
    for start, letter in enumerate(sample):
        at, n = text.find(letter), 0
        while at >= 0 and sample[start + n:start + n + 1] == text[at + n:at + n + 1] != "":
            n += 1
        found = (start, n) if n > found[1] else found
    return found


@copying.mistake(hint="A slice ends where the sample ends, and is found again and again: the piece must fit.")
def beyond_the_end(sample, text):
    """pieces that run past the end of the sample"""
    start, length = 0, 0
    for i in range(len(sample)):
        while length < len(sample) and sample[i:i + length + 1] in text:
            start, length = i, length + 1
    return start, length


@copying.forbid("course_lib.byhand.memorisation.copied_lengths")
def _(call, sample, text):
    n = call(sample, text)
    return (int(n.argmax()), int(n.max())) if n.size else (0, 0)


@copying.forbid("course_lib.byhand.memorisation.longest_copied")
def _(call, sample, text):
    piece = call(sample, text)
    return sample.index(piece), len(piece)


@copying.forbid("difflib.SequenceMatcher")
def _(call, sample, text):
    match = call(None, sample, text, autojunk=False).find_longest_match()
    return match.a, match.size
