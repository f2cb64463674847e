"""Exercise 02.6: the longest piece of a sample that was copied from the text."""

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
    """a long piece inside another, capitals, and nothing at all"""
    u, v = ("".join(rng.choice(list("abcdefghi"), n).tolist()) for n in (3, int(rng.integers(4, 8))))
    text = f"{u}-{u[-1]}{v}"
    found = [ns["longest_piece"](sample, text) for sample in (u + v, (u + v).upper() + v[:2], "123")]
    return [list(one) for one in found]


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
