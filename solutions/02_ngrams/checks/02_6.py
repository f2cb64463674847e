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
