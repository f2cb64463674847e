"""Exercise 14.1: the operations that a training step takes for each token."""

from course_lib.classroom.checking.exercise import Exercise
from course_lib.model.config import GPTConfig

flops = Exercise(
    "14.1", "training_flops", title="What a token costs", difficulty=1, minutes=10,
    hints=(
        "For one token every product is a vector by a matrix: two operations for each number of the matrix. Which matrices are there?",
        "A block: four of C × C around attention, two of C × 4C; and in attention T keys of C numbers, then T values. Then the head, C × V.",
        "Forward 2 · (L · (12 C² + 2 T C) + C V). The backward pass takes that twice more.",
    ),
)


@flops.probe()
def a_small_one(ns, rng):
    """a vocabulary of 512, 4 layers, 128 channels, windows of 256"""
    return ns["training_flops"](512, 4, 128, 256)


@flops.probe()
def gpt2(ns, rng):
    """GPT-2: 50257, 12, 768, 1024"""
    return ns["training_flops"](50257, 12, 768, 1024)


@flops.probe()
def one_layer(ns, rng):
    """100 words, 1 layer, 8 channels, windows of a single token"""
    return ns["training_flops"](100, 1, 8, 1)


@flops.probe()
def gpt2_xl(ns, rng):
    """GPT-2 XL: 50257, 48, 1600, 1024"""
    return ns["training_flops"](50257, 48, 1600, 1024)


@flops.probe(hidden=True, points=2)
def any_shapes(ns, rng):
    """any shapes"""
    return ns["training_flops"](*(int(n) for n in rng.integers((300, 3, 30, 50), (9000, 30, 900, 3000))))


@flops.property(n_layer=(1, 9), n_embd=(1, 64), T=(1, 99))
def a_longer_window(ns, n_layer, n_embd, T):
    """one more key costs 12 C in every layer: C for its score, C for its value, two each, three passes"""
    cost = ns["training_flops"]
    return cost(100, n_layer, n_embd, T + 1) - cost(100, n_layer, n_embd, T), 12 * n_layer * n_embd


def products(V, L, C, T, *, passes=3, each=2, square=12, keys=2, head=1, table=0, seen=None):
    """The right answer, with some things wrong. seen: how many keys there are, in place of T."""
    return passes * each * (L * (square * C * C + keys * (T if seen is None else seen) * C) + (head + table) * C * V)


@flops.mistake(hint="That is the forward pass. Training goes back as well, and back costs twice as much.")
def forward_only(vocab_size, n_layer, n_embd, T):
    """the forward pass alone"""
    return products(vocab_size, n_layer, n_embd, T, passes=1)


@flops.mistake(hint="On the way back each product needs two: the gradient of its input and that of its weights. With the way there: three.")
def back_as_there(vocab_size, n_layer, n_embd, T):
    """a backward pass that costs as much as the forward pass"""
    return products(vocab_size, n_layer, n_embd, T, passes=2)


@flops.mistake(hint="You count multiplications. Each of them is followed by an addition.")
def multiplications_only(vocab_size, n_layer, n_embd, T):
    """multiplications without the additions"""
    return products(vocab_size, n_layer, n_embd, T, each=1)


@flops.mistake(hint="6 N counts the weights. Queries also meet keys, and shares meet values: numbers that are no weights.")
def six_n(vocab_size, n_layer, n_embd, T):
    """six operations a weight, without the products inside attention"""
    return products(vocab_size, n_layer, n_embd, T, keys=0)


@flops.mistake(hint="To look up a row of the token table is no product. Only the head is.")
def the_table_as_a_product(vocab_size, n_layer, n_embd, T):
    """the token table counted as a product"""
    return products(vocab_size, n_layer, n_embd, T, table=1)


@flops.mistake(hint="The head multiplies by V columns, the largest matrix of all, though it may share its numbers with the table.")
def no_head(vocab_size, n_layer, n_embd, T):
    """a count without the head"""
    return products(vocab_size, n_layer, n_embd, T, head=0)


@flops.mistake(hint="Scores take T C multiplications, and the weighted sum of the values as many again. By convention hidden keys count, too.")
def half_of_attention(vocab_size, n_layer, n_embd, T):
    """half of attention: the weighted sum, or the keys behind the mask, are missing"""
    return products(vocab_size, n_layer, n_embd, T, keys=1)


@flops.mistake(hint="Queries, keys, values: three matrices of C × C. What happens to the heads' answers before they join the stream?")
def no_output_projection(vocab_size, n_layer, n_embd, T):
    """attention without its output projection"""
    return products(vocab_size, n_layer, n_embd, T, square=11)


@flops.mistake(hint="The feed-forward goes up to 4 C and comes down again: two matrices of C × 4 C.")
def one_matrix_in_the_feedforward(vocab_size, n_layer, n_embd, T):
    """a feed-forward with one of its two matrices"""
    return products(vocab_size, n_layer, n_embd, T, square=8)


@flops.mistake(hint="The feed-forward is four times as wide inside: F = 4 C.")
def a_narrow_feedforward(vocab_size, n_layer, n_embd, T):
    """a feed-forward that is C wide inside"""
    return products(vocab_size, n_layer, n_embd, T, square=6)


@flops.mistake(hint="This is what a whole window of T tokens costs. The question is about one of them.")
def the_whole_window(vocab_size, n_layer, n_embd, T):
    """the cost of a whole window"""
    return T * products(vocab_size, n_layer, n_embd, T)


@flops.mistake(hint="Each of n_layer blocks costs as much as the first.")
def a_single_block(vocab_size, n_layer, n_embd, T):
    """a single block"""
    return products(vocab_size, 1, n_embd, T)


@flops.mistake(hint="The head stands behind the last block, once.")
def a_head_for_every_block(vocab_size, n_layer, n_embd, T):
    """a head for every block"""
    return products(vocab_size, n_layer, n_embd, T, head=n_layer)


@flops.mistake(hint="T² belongs to a whole window. One token has one query: T products with keys, and T with values.")
def every_query(vocab_size, n_layer, n_embd, T):
    """the scores of a whole window, T² of them, in the count of one token"""
    return products(vocab_size, n_layer, n_embd, T, seen=T * T)


@flops.mistake(hint="The mask hides half of the keys on average, but by convention they count: all T of them.")
def visible_keys_only(vocab_size, n_layer, n_embd, T):
    """only those keys that the mask leaves, (T + 1) / 2 on average"""
    return products(vocab_size, n_layer, n_embd, T, seen=(T + 1) / 2)


@flops.mistake(hint="A token looks at T keys, and takes T values: this part grows with the window.")
def a_single_key(vocab_size, n_layer, n_embd, T):
    """attention to a single key, whatever T is"""
    return products(vocab_size, n_layer, n_embd, T, seen=1)


@flops.mistake(hint="Every block has its own attention, with T keys and T values. Yours counts these for one block.")
def attention_once(vocab_size, n_layer, n_embd, T):
    """the products with keys and values of a single block"""
    return products(vocab_size, n_layer, n_embd, T, seen=T / n_layer)


@flops.mistake(hint="The feed-forward goes from C to 4 C and from 4 C to C. In neither of its matrices are both sides 4 C wide.")
def a_wide_feedforward(vocab_size, n_layer, n_embd, T):
    """a feed-forward with 16 C² in place of 8 C²"""
    return products(vocab_size, n_layer, n_embd, T, square=20)


@flops.mistake(hint="A block is attention and feed-forward. Where are the two matrices of C × 4 C?")
def no_feedforward(vocab_size, n_layer, n_embd, T):
    """blocks without their feed-forward"""
    return products(vocab_size, n_layer, n_embd, T, square=4)


@flops.mistake(hint="Attention has four matrices of C × C: for queries, keys and values three, and one for what comes out.")
def one_matrix_for_three(vocab_size, n_layer, n_embd, T):
    """one matrix of C × C for queries, keys and values together"""
    return products(vocab_size, n_layer, n_embd, T, square=10)


@flops.mistake(hint="Two things are missing: the matrix behind the heads, C × C, and half of attention, the weighted sum of the values.")
def two_things_missing(vocab_size, n_layer, n_embd, T):
    """neither the output projection nor the weighted sum"""
    return products(vocab_size, n_layer, n_embd, T, square=11, keys=1)


@flops.mistake(hint="Forward, and twice as much on the way back: three passes. A fourth is needed only when blocks are computed again.")
def four_passes(vocab_size, n_layer, n_embd, T):
    """four passes, as if every block was computed again"""
    return products(vocab_size, n_layer, n_embd, T, passes=4)


@flops.mistake(hint="The head is trained as well: forward and twice back, like all other products.")
def head_there_only(vocab_size, n_layer, n_embd, T):
    """a head that is counted on the way there only"""
    return products(vocab_size, n_layer, n_embd, T, head=1 / 3)


@flops.mistake(hint="There are no biases; norms and softmax are left out, too. Only products of matrices count.")
def with_biases(vocab_size, n_layer, n_embd, T):
    """biases counted with the matrices"""
    return products(vocab_size, n_layer, n_embd, T) + 6 * n_layer * 9 * n_embd


@flops.mistake(hint="The number of operations itself is wanted, not billions of them.")
def in_billions(vocab_size, n_layer, n_embd, T):
    """an answer in GFLOP"""
    return products(vocab_size, n_layer, n_embd, T) / 1e9


@flops.mistake(hint="It must work for every shape.", memorised=True)
def two_by_heart(vocab_size, n_layer, n_embd, T):
    """the models of the check, by heart"""
    heart = {4: (512, 4, 128, 256), 48: (50257, 48, 1600, 1024)}
    return products(*heart.get(n_layer, (50257, 12, 768, 1024)))


@flops.forbid("course_lib.training.cost.flops_per_token")
def _(call, vocab_size, n_layer, n_embd, T):
    return call(GPTConfig(vocab_size=vocab_size, n_layer=n_layer, n_head=1, n_embd=n_embd, position="none"), T)
