"""Exercise 12.2: the number of parameters of a GPT, without building it."""

from course_lib.classroom.checking.exercise import Exercise
from course_lib.model.config import tiny

size = Exercise(
    "12.2", "count_parameters", title="How large is it?", difficulty=2, minutes=10,
    hints=(
        "Go through one block and write down the shape of every matrix and every gain. Then what is outside the blocks?",
        "Attention has four matrices of C × C and two gains of D numbers. The feed-forward has C × 4C and 4C × C.",
        "V·C for the table, for each block 12·C² + 2·C + 2·D, and C for the last norm. The head costs nothing.",
    ),
)


def some_size(rng, heads):
    return int(rng.integers(50, 5000)), int(rng.integers(2, 9)), heads, heads * 2 * int(rng.integers(2, 20))


@size.probe()
def the_preset(ns, rng):
    """512 tokens, 4 layers, 4 heads, 128 channels"""
    return ns["count_parameters"](512, 4, 4, 128)


@size.probe()
def one_head(ns, rng):
    """300 tokens, 3 layers, 1 head, 24 channels"""
    return ns["count_parameters"](300, 3, 1, 24)


@size.probe(hidden=True)
def some_heads(ns, rng):
    """several heads"""
    return ns["count_parameters"](*some_size(rng, int(rng.integers(2, 7))))


@size.probe(hidden=True)
def a_single_head(ns, rng):
    """one head"""
    return ns["count_parameters"](*some_size(rng, 1))


@size.property(vocab_size=(1, 1000), n_layer=(1, 5), head_dim=(1, 9))
def the_table_is_there_once(ns, vocab_size, n_layer, head_dim):
    """one more token costs n_embd parameters"""
    count, n_embd = ns["count_parameters"], 2 * 2 * head_dim
    return count(vocab_size + 1, n_layer, 2, n_embd) - count(vocab_size, n_layer, 2, n_embd), n_embd


def count(V, L, H, C, *, F=4, norms=2, last=1, gains=None, tables=1, biases=0, attention=4):
    gains = 2 * (C // H) if gains is None else gains
    return tables * V * C + L * (attention * C * C + 2 * F * C * C + norms * C + gains + biases) + last * C


@size.mistake(hint="The head is the token table, used a second time. A shared matrix is counted once.")
def the_head_counted_twice(vocab_size, n_layer, n_head, n_embd):
    """a count in which the head has a table of its own"""
    return count(vocab_size, n_layer, n_head, n_embd, tables=2)


@size.mistake(hint="Queries and keys are normalised, each by D gains, in every block.")
def no_gains_for_queries_and_keys(vocab_size, n_layer, n_head, n_embd):
    """a count without the gains of queries and keys"""
    return count(vocab_size, n_layer, n_head, n_embd, gains=0)


@size.mistake(hint="All heads share the D gains. How many numbers is that for queries, how many for keys?")
def gains_for_each_head(vocab_size, n_layer, n_head, n_embd):
    """a count in which every head has gains of its own, and the queries' are the keys'"""
    return count(vocab_size, n_layer, n_head, n_embd, gains=n_embd if n_head > 1 else 3 * n_embd)


@size.mistake(hint="One more norm stands between the last block and the head.")
def no_last_norm(vocab_size, n_layer, n_head, n_embd):
    """a count without the norm before the head"""
    return count(vocab_size, n_layer, n_head, n_embd, last=0)


@size.mistake(hint="Each half of a block reads a normalised copy of the stream: two norms a block.")
def one_norm_a_block(vocab_size, n_layer, n_head, n_embd):
    """a count with one norm in each block"""
    return count(vocab_size, n_layer, n_head, n_embd, norms=1)


@size.mistake(hint="Queries, keys and values are three matrices; what brings the heads together again is a fourth.")
def no_projection(vocab_size, n_layer, n_head, n_embd):
    """a count without the projection behind the heads"""
    return count(vocab_size, n_layer, n_head, n_embd, attention=3)


@size.mistake(hint="The parts of `tiny` have no biases.")
def with_biases(vocab_size, n_layer, n_head, n_embd):
    """a count in which every linear map has a bias"""
    return count(vocab_size, n_layer, n_head, n_embd, biases=9 * n_embd)


@size.mistake(hint="The norms of `tiny` have a gain only; those of GPT-2 have a shift as well.")
def norms_with_a_shift(vocab_size, n_layer, n_head, n_embd):
    """a count in which the norms have a shift as well as a gain"""
    return count(vocab_size, n_layer, n_head, n_embd, norms=4, last=2)


@size.mistake(hint="F = 4 C: the hidden layer is four times as wide as the stream.")
def a_narrow_hidden_layer(vocab_size, n_layer, n_head, n_embd):
    """a count in which the hidden layer is as wide as the stream"""
    return count(vocab_size, n_layer, n_head, n_embd, F=1)


@size.mistake(hint="Rotary positions are computed: there is nothing to learn.")
def with_a_table_of_positions(vocab_size, n_layer, n_head, n_embd):
    """a count with a table of learned positions"""
    return count(vocab_size, n_layer, n_head, n_embd) + 256 * n_embd


@size.mistake(hint="Two sizes from the example are not a formula.", memorised=True)
def the_examples_by_heart(vocab_size, n_layer, n_head, n_embd):
    """the numbers of the examples"""
    known = {(512, 4, 4, 128): count(512, 4, 4, 128), (300, 3, 1, 24): count(300, 3, 1, 24)}
    return known.get((vocab_size, n_layer, n_head, n_embd), 853_504)


@size.forbid("course_lib.model.gpt.GPT")
def _(call, vocab_size, n_layer, n_head, n_embd):
    model = call(tiny(vocab_size, n_layer=n_layer, n_head=n_head, n_embd=n_embd))
    return sum(p.numel() for p in model.parameters())
