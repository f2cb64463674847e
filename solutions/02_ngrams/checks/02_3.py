"""Exercise 02.3: perplexity, bits per character and bits per byte of one text, from nats a token."""

import math
import unicodedata

import numpy as np

from course_lib.byhand import bar
from course_lib.classroom.checking.exercise import Exercise

numbers = Exercise(
    "02.3", "three_numbers", title="One text, three numbers", difficulty=2, minutes=10,
    hints=(
        "Surprise adds up. How many bits does the whole text cost?",
        "A nat is 1 / ln 2 bits. Of one total, each of the three is a mean over something else: tokens, characters, bytes.",
        "bits = −sum / ln 2. Perplexity: 2 to the (bits / tokens). Characters: len(text). Bytes: the length of text.encode().",
    ),
)
TEXT = " naïve 你好, Zoë\n"
LN2 = math.log(2)


@numbers.probe()
def a_plain_text(ns, rng):
    """a text in plain letters"""
    return ns["three_numbers"](np.log([0.5, 0.25, 0.125, 0.07]), "the cat sat on the mat")


@numbers.probe()
def two_scripts(ns, rng):
    """a text with letters of more than one byte"""
    return ns["three_numbers"](np.log(np.array([0.5, 0.01, 0.2, 0.3, 0.9, 0.05])), TEXT)


@numbers.probe()
def one_sign(ns, rng):
    """one token, one character, four bytes"""
    return ns["three_numbers"](np.log([0.125]), "🙂")


@numbers.probe()
def sure_of_everything(ns, rng):
    """a model that was sure of everything, and right; then one that was not"""
    return [*ns["three_numbers"](np.zeros(3), "so so"), *ns["three_numbers"](np.log([1.0, 0.01, 1.0]), "é, é")]


@numbers.probe()
def an_accent_of_its_own(ns, rng):
    """accents that are characters of their own"""
    return ns["three_numbers"](np.log([0.5, 0.1, 0.02]), "cafe\u0301 nai\u0308f")


@numbers.probe()
def a_long_text(ns, rng):
    """a long text: a thousand tokens"""
    return ns["three_numbers"](np.log(rng.uniform(0.01, 0.9, 1000)), "a long one, " * 400)


@numbers.probe(hidden=True)
def any_long_text(ns, rng):
    """any long text, with accents that are characters of their own"""
    n = int(rng.integers(800, 1500))
    return ns["three_numbers"](np.log(rng.uniform(0.01, 0.9, n)), "e\u0301 au\u0308 " * (n // 2))


@numbers.probe(hidden=True, points=2)
def any_text(ns, rng):
    """any text"""
    text = " " + "".join(rng.choice(list("abc äß你"), int(rng.integers(12, 30))).tolist()) + "é\n"
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


@numbers.mistake(hint="e belongs to nats, 2 to bits. This mixes the two.")
def e_to_the_bits(log_probs, text):
    """a perplexity of e to the power of bits"""
    return measured(log_probs, text, power=lambda x: math.exp(-np.mean(x) / LN2))


@numbers.mistake(hint="A nat is more than a bit: 1 nat = 1 / ln 2 bits, about 1.44. Divide by ln 2, do not multiply.")
def multiplied_by_ln_2(log_probs, text):
    """nats multiplied by ln 2 where they should be divided"""
    return measured(log_probs, text, base=1 / LN2)


@numbers.mistake(hint="Bits are logarithms to the base 2: divide nats by ln 2, not by ln 10.")
def to_the_base_ten(log_probs, text):
    """logarithms to the base 10 in place of bits"""
    return measured(log_probs, text, base=math.log(10))


@numbers.mistake(hint="The mean of p is not e to the mean of log p. Average the logarithms.")
def one_over_the_mean_probability(log_probs, text):
    """a perplexity of one over the mean probability"""
    return measured(log_probs, text, power=lambda x: float(1 / np.mean(np.exp(x))))


@numbers.mistake(hint="Perplexity is for one token: the exponent is a mean, not the sum.")
def perplexity_of_the_whole_text(log_probs, text):
    """the perplexity of the whole text, not of a token"""
    return measured(log_probs, text, power=lambda x: math.exp(-np.sum(x)))


@numbers.mistake(hint="A perplexity is 1 or more. Where did the minus go?")
def one_over_the_perplexity(log_probs, text):
    """one over the perplexity"""
    return measured(log_probs, text, power=lambda x: math.exp(np.mean(x)))


@numbers.mistake(hint="This is the loss. Perplexity is e to its power.")
def the_loss_itself(log_probs, text):
    """the loss in place of the perplexity"""
    return measured(log_probs, text, power=lambda x: -float(np.mean(x)))


@numbers.mistake(hint="Tokens are what log_probs has, one each. They need not be words.")
def perplexity_a_word(log_probs, text):
    """a perplexity for each word of the text in place of each token"""
    return measured(log_probs, text, power=lambda x: math.exp(-np.sum(x) / len(text.split())))


@numbers.mistake(hint="Bits for each byte: divide by the number of bytes, not by that of the bits in them.")
def bits_a_bit(log_probs, text):
    """bits for each bit of the text: divided by 8 once more"""
    return measured(log_probs, text, size=8 * len(text.encode()))


@numbers.mistake(hint="Bytes of UTF-8: text.encode() does that by itself. In other encodings every letter has two bytes or four.")
def another_encoding(log_probs, text):
    """bytes of UTF-16 in place of UTF-8"""
    return measured(log_probs, text, size=len(text.encode("utf-16")))


@numbers.mistake(hint="A model that is less sure needs more bits: costs are positive. Where did the minus go?")
def negative_costs(log_probs, text):
    """bits below zero: the minus is missing in the last two"""
    perplexity, *bits = measured(log_probs, text)
    return perplexity, -bits[0], -bits[1]


@numbers.mistake(hint="Bytes of UTF-8: text.encode() does that by itself. In other encodings every letter has two bytes or four.")
def two_bytes_each(log_probs, text):
    """bytes of UTF-16 in place of UTF-8, without the mark at its beginning"""
    return measured(log_probs, text, size=len(text.encode("utf-16-le")))


@numbers.mistake(hint="Bytes of UTF-8: text.encode() does that by itself. In other encodings every letter has two bytes or four.")
def four_bytes_each(log_probs, text):
    """bytes of UTF-32 in place of UTF-8"""
    return measured(log_probs, text, size=len(text.encode("utf-32-le")))


@numbers.mistake(hint="Every character has bytes: ï has two, 你 three. Nothing is left out.")
def ascii_alone(log_probs, text):
    """bytes of the plain letters alone: all others are left out"""
    with np.errstate(all="ignore"):
        size = len(text.encode("ascii", errors="ignore"))
        return (*measured(log_probs, text)[:2], float(np.float64(-np.sum(log_probs) / LN2) / size))


@numbers.mistake(hint="Perplexity is per token, here: the mean is over log_probs.")
def perplexity_a_byte(log_probs, text):
    """a perplexity for each byte in place of each token"""
    return measured(log_probs, text, power=lambda x: math.exp(-np.sum(x) / len(text.encode())))


@numbers.mistake(hint="Spaces are characters, too, at the ends as well: len(text) counts them.")
def without_spaces(log_probs, text):
    """characters without the spaces"""
    return measured(log_probs, text, chars=len("".join(text.split())))


@numbers.mistake(hint="Spaces and ends of lines are characters, too: the text counts as it stands.")
def stripped(log_probs, text):
    """a text whose spaces were taken away at both ends"""
    return measured(log_probs, text.strip())


@numbers.mistake(hint="Spaces and ends of lines are characters, too: len(text), of the text as it stands.")
def stripped_characters(log_probs, text):
    """characters of a text whose spaces were taken away at both ends"""
    return measured(log_probs, text, chars=len(text.strip()))


@numbers.mistake(hint="Each character counts as often as it stands there: len(text).")
def different_characters(log_probs, text):
    """different characters, each counted once"""
    return measured(log_probs, text, chars=len(set(text)))


@numbers.mistake(hint="N tokens, N guesses, the first one too: the mean divides by N.")
def one_token_less(log_probs, text):
    """a mean that divides by N − 1"""
    return measured(log_probs, text, power=lambda x: math.exp(-np.sum(x) / max(len(x) - 1, 1)))


@numbers.mistake(hint="log_probs are natural logarithms: a nat is 1 / ln 2 bits. math.log10(2) belongs to logarithms to the base 10.")
def from_the_base_ten(log_probs, text):
    """nats divided by the logarithm of 2 to the base 10"""
    return measured(log_probs, text, base=math.log10(2))


@numbers.mistake(hint="log_probs are in nats, and were taken for bits everywhere. How many nats are a bit?")
def nats_taken_for_bits(log_probs, text):
    """nats taken for bits, in all three"""
    return measured(log_probs, text, base=1.0, power=lambda x: 2 ** -np.mean(x))


@numbers.mistake(hint="All tokens count here, the first one too.")
def without_the_first(log_probs, text):
    """the first token left out"""
    return measured(log_probs[1:], text) if len(log_probs) > 1 else (math.nan, 0.0, 0.0)


@numbers.mistake(hint="A byte is not an eighth of a character, and nothing was asked about its bits: per byte of the text, as UTF-8.")
def an_eighth(log_probs, text):
    """the bits per character divided by 8 for the bits per byte"""
    perplexity, per_char, _ = measured(log_probs, text)
    return perplexity, per_char, per_char / 8


@numbers.mistake(hint="A letter beyond ASCII may have two bytes, three or four. Ask .encode().")
def two_bytes_beyond_ascii(log_probs, text):
    """two bytes for every character that is not ASCII"""
    return measured(log_probs, text, size=sum(1 + (ord(letter) > 127) for letter in text))


@numbers.mistake(hint="A product of a thousand probabilities is 0 in floats. Add their logarithms.")
def a_product(log_probs, text):
    """right, until the product of the probabilities is too small for a float"""
    with np.errstate(divide="ignore"):
        return measured(log_probs, text, power=lambda logs: float(np.prod(np.exp(logs)) ** np.float64(-1 / len(logs))))


@numbers.mistake(hint="Count the text as it came. Normalised, an accent of its own is no character any more.")
def normalised(log_probs, text):
    """a text that was normalised before it was counted"""
    return measured(log_probs, unicodedata.normalize("NFC", text))


@numbers.forbid("course_lib.byhand.bar.perplexity")
def _(call, log_probs, text):
    return call(log_probs), bar.bits_per(log_probs, len(text)), bar.bits_per(log_probs, len(text.encode()))


@numbers.forbid("course_lib.byhand.bar.bits_per")
def _(call, log_probs, text):
    return math.exp(-np.mean(log_probs)), call(log_probs, len(text)), call(log_probs, len(text.encode()))
