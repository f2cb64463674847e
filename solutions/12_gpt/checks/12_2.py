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


@size.probe()
def two_heads(ns, rng):
    """70 tokens, 2 layers, 2 heads, 12 channels"""
    return ns["count_parameters"](70, 2, 2, 12)


@size.probe()
def one_layer(ns, rng):
    """1 token, 1 layer, 3 heads, 6 channels"""
    return ns["count_parameters"](1, 1, 3, 6)


@size.probe()
def as_wide_as_the_lessons(ns, rng):
    """1536 tokens, 2 layers, 4 heads, 176 channels"""
    return ns["count_parameters"](1536, 2, 4, 176)


@size.probe()
def as_wide_with_more_layers(ns, rng):
    """40 tokens, 5 layers, 2 heads, 176 channels"""
    return ns["count_parameters"](40, 5, 2, 176)


@size.probe(hidden=True)
def some_of_the_lessons_width(ns, rng):
    """176 channels, and other numbers of all else"""
    vocab_size, n_layer = rng.integers([50, 2], [900, 7])
    return ns["count_parameters"](int(vocab_size), int(n_layer), int(rng.choice([1, 2, 4, 8])), 176)


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


def count(V, L, H, C, *, F=4, norms=2, last=1, gains=None, tables=1, biases=0, attention=4, maps=2):
    gains = 2 * (C // H) if gains is None else gains
    return tables * V * C + L * (attention * C * C + maps * F * C * C + norms * C + gains + biases) + last * C


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
    """a count in which every head has gains of its own"""
    return count(vocab_size, n_layer, n_head, n_embd, gains=2 * n_embd)


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


@size.mistake(hint="Queries have D gains and keys have D more.")
def gains_once_for_both(vocab_size, n_layer, n_head, n_embd):
    """a count in which queries and keys have the same D gains"""
    return count(vocab_size, n_layer, n_head, n_embd, gains=n_embd // n_head)


@size.mistake(hint="Values are not normalised: D gains for queries, D for keys.")
def gains_for_values_too(vocab_size, n_layer, n_head, n_embd):
    """a count in which values have gains as well"""
    return count(vocab_size, n_layer, n_head, n_embd, gains=3 * (n_embd // n_head))


@size.mistake(hint="The gains of queries and keys are there once in every block, not once in all.")
def gains_in_one_block_only(vocab_size, n_layer, n_head, n_embd):
    """a count in which queries and keys have gains in one block only"""
    return count(vocab_size, n_layer, n_head, n_embd, gains=0) + 2 * (n_embd // n_head)


@size.mistake(hint="Two norms a block, of C gains each: they are missing.")
def no_norms_in_the_blocks(vocab_size, n_layer, n_head, n_embd):
    """a count without the norms of the blocks"""
    return count(vocab_size, n_layer, n_head, n_embd, norms=0)


@size.mistake(hint="Norms have parameters, too: C gains each, two a block and one before the head.")
def no_norms_at_all(vocab_size, n_layer, n_head, n_embd):
    """a count without any norm of the stream"""
    return count(vocab_size, n_layer, n_head, n_embd, norms=0, last=0)


@size.mistake(hint="Matrices alone: 12 C² a block and the table. Which parts have a gain?")
def matrices_alone(vocab_size, n_layer, n_head, n_embd):
    """a count of the matrices alone, without any gains"""
    return count(vocab_size, n_layer, n_head, n_embd, norms=0, last=0, gains=0)


@size.mistake(hint="The norm before the head is there once, not in every block.")
def last_norm_in_every_block(vocab_size, n_layer, n_head, n_embd):
    """a count with a third norm in every block, in place of one before the head"""
    return count(vocab_size, n_layer, n_head, n_embd, norms=3, last=0)


@size.mistake(hint="Every block has parameters of its own: times n_layer.")
def a_single_block(vocab_size, n_layer, n_head, n_embd):
    """a count of a single block"""
    return count(vocab_size, 1, n_head, n_embd)


@size.mistake(hint="A head has matrices of D × C, and all heads together C × C: how many there are changes nothing.")
def matrices_for_each_head(vocab_size, n_layer, n_head, n_embd):
    """a count in which every head has matrices of C × C"""
    return count(vocab_size, n_layer, n_head, n_embd, attention=3 * n_head + 1)


@size.mistake(hint="The feed-forward of `tiny` has two matrices, up and down; a gated one (SwiGLU) has three.")
def a_gated_feed_forward(vocab_size, n_layer, n_head, n_embd):
    """a count with three matrices in the feed-forward"""
    return count(vocab_size, n_layer, n_head, n_embd, maps=3)


@size.mistake(hint="The feed-forward goes up to 4 C and down again: two matrices.")
def one_matrix_in_the_feed_forward(vocab_size, n_layer, n_head, n_embd):
    """a count with one matrix in the feed-forward"""
    return count(vocab_size, n_layer, n_head, n_embd, maps=1)


@size.mistake(hint="The token table is there: V · C, used twice and counted once.")
def no_table(vocab_size, n_layer, n_head, n_embd):
    """a count without the token table"""
    return count(vocab_size, n_layer, n_head, n_embd, tables=0)


@size.mistake(hint="Gains are there in every block: multiply norms and gains by n_layer as well as the matrices.")
def gains_of_one_block(vocab_size, n_layer, n_head, n_embd):
    """a count with the matrices of all blocks, and the norms and gains of one"""
    return count(vocab_size, n_layer, n_head, n_embd, norms=0, gains=0) + 2 * n_embd + 2 * (n_embd // n_head)


@size.mistake(hint="A gain of D numbers, D = n_embd / n_head: yours counts one for each head.")
def as_many_gains_as_heads(vocab_size, n_layer, n_head, n_embd):
    """a count in which queries and keys have as many gains as there are heads"""
    return count(vocab_size, n_layer, n_head, n_embd, gains=2 * n_head)


@size.mistake(hint="A head's matrix is C × D, and there are n_head of them: C × C for the queries of all heads together.")
def matrices_of_one_head(vocab_size, n_layer, n_head, n_embd):
    """a count in which queries, keys and values have the matrices of a single head"""
    return count(vocab_size, n_layer, n_head, n_embd, attention=1) + 3 * n_layer * n_embd * (n_embd // n_head)


@size.mistake(hint="Two sizes from the example are not a formula.", memorised=True)
def the_examples_by_heart(vocab_size, n_layer, n_head, n_embd):
    """the numbers of the examples"""
    known = {(512, 4, 4, 128): count(512, 4, 4, 128), (300, 3, 1, 24): count(300, 3, 1, 24)}
    return known.get((vocab_size, n_layer, n_head, n_embd), 853_504)


@size.mistake(hint="Here F = 4 C, whatever the lesson's own model has.")
def the_lessons_hidden_layer(vocab_size, n_layer, n_head, n_embd):
    """a hidden layer of 736 for 176 channels, as the lesson's own model has"""
    C, F = n_embd, 736 if n_embd == 176 else 4 * n_embd
    return vocab_size * C + n_layer * (4 * C * C + 2 * (C // n_head) + 2 * C * F + 2 * C) + C


@size.forbid("course_lib.model.gpt.GPT")
def _(call, vocab_size, n_layer, n_head, n_embd):
    model = call(tiny(vocab_size, n_layer=n_layer, n_head=n_head, n_embd=n_embd))
    return sum(p.numel() for p in model.parameters())
