"""Exercise 14.2: the memory that training takes, and the batch that fits."""

from course_lib.classroom.checking.exercise import Exercise
from course_lib.model.config import GPTConfig

memory = Exercise(
    "14.2", "training_memory", title="Does it fit?", difficulty=2, minutes=15,
    hints=(
        "Begin with the three parts that do not depend on the batch: how many numbers are there for each weight, of how many bytes?",
        "For one token: all blocks, the last norm, the loss. Two of the three rows are in bfloat16. Then times n_tokens.",
        "4 N, 4 N, 8 N. A token: 2 · (L · 16 C + 2 C) + 4 V bytes; with recompute L · C inputs and one block's 16 C stand in place of L · 16 C.",
    ),
)


@memory.probe()
def everything_kept(ns, rng):
    """two million weights, 6 layers of 128 channels, 512 words, 4096 tokens, everything kept"""
    return ns["training_memory"](2_000_000, 6, 128, 512, 4096, False)


@memory.probe()
def blocks_recomputed(ns, rng):
    """the same with recompute"""
    return ns["training_memory"](2_000_000, 6, 128, 512, 4096, True)


@memory.probe()
def one_block(ns, rng):
    """a single block, and one token"""
    return [ns["training_memory"](1000, 1, 16, 50, 1, recompute) for recompute in (False, True)]


def some_model(rng):
    return tuple(int(n) for n in rng.integers((10**6, 4, 64, 300, 1000), (10**9, 50, 2000, 60_000, 90_000)))


@memory.probe(hidden=True)
def any_model(ns, rng):
    """any model"""
    return ns["training_memory"](*some_model(rng), False)


@memory.probe(hidden=True)
def any_model_recomputed(ns, rng):
    """any model with recompute"""
    return ns["training_memory"](*some_model(rng), True)


@memory.property(n_weights=(1, 1000), n_tokens=(1, 64))
def what_a_token_adds(ns, n_weights, n_tokens):
    """twice the tokens take twice the activations, and 16 bytes a weight lie below them in any case"""
    one, two = (ns["training_memory"](n_weights, 2, 8, 16, n, False) for n in (n_tokens, 2 * n_tokens))
    fixed = sum(two[part] for part in ("weights", "gradients", "optimizer"))
    return (two["activations"], fixed), (2 * one["activations"], 16 * n_weights)


def in_memory(N, L, C, V, n_tokens, recompute, *, sizes=(4, 4, 8), kept=2, loss=4, numbers=None, per=None):
    """The right answer, with some things wrong. numbers: of all blocks with recompute, for a token."""
    numbers = L * C + 16 * C if numbers is None else numbers
    blocks = numbers if recompute else 16 * L * C
    activations = (n_tokens if per is None else per) * (kept * (blocks + 2 * C) + loss * V)
    return dict(zip(("weights", "gradients", "optimizer", "activations"), (*(n * N for n in sizes), activations), strict=True))


@memory.mistake(hint="Mixed means: weights, gradients and averages stay in float32. Only the activations are bfloat16.")
def all_of_it_in_half(n_weights, n_layer, n_embd, vocab_size, n_tokens, recompute):
    """everything in bfloat16: that would be half precision, not mixed"""
    return in_memory(n_weights, n_layer, n_embd, vocab_size, n_tokens, recompute, sizes=(2, 2, 4), loss=2)


@memory.mistake(hint="That is another way of mixing: weights and gradients in bfloat16, and a float32 copy with the optimizer. The sum is the same, the parts are not.")
def with_a_master_copy(n_weights, n_layer, n_embd, vocab_size, n_tokens, recompute):
    """bfloat16 weights and gradients, with a float32 copy of the weights counted with the optimizer"""
    return in_memory(n_weights, n_layer, n_embd, vocab_size, n_tokens, recompute, sizes=(2, 2, 12))


@memory.mistake(hint="Gradients are as wide as the weights that they move: float32.")
def gradients_in_half(n_weights, n_layer, n_embd, vocab_size, n_tokens, recompute):
    """gradients in bfloat16"""
    return in_memory(n_weights, n_layer, n_embd, vocab_size, n_tokens, recompute, sizes=(4, 2, 8))


@memory.mistake(hint="Mixed precision computes in bfloat16, but the weights stay in float32: four bytes each.")
def weights_in_half(n_weights, n_layer, n_embd, vocab_size, n_tokens, recompute):
    """weights in bfloat16"""
    return in_memory(n_weights, n_layer, n_embd, vocab_size, n_tokens, recompute, sizes=(2, 4, 8))


@memory.mistake(hint="Mixed precision computes in bfloat16, but weights and gradients stay in float32: four bytes each.")
def weights_and_gradients_in_half(n_weights, n_layer, n_embd, vocab_size, n_tokens, recompute):
    """weights and gradients in bfloat16"""
    return in_memory(n_weights, n_layer, n_embd, vocab_size, n_tokens, recompute, sizes=(2, 2, 8))


@memory.mistake(hint="AdamW keeps two averages for each weight: of the gradient, and of its square.")
def one_average(n_weights, n_layer, n_embd, vocab_size, n_tokens, recompute):
    """an optimizer with one number for each weight"""
    return in_memory(n_weights, n_layer, n_embd, vocab_size, n_tokens, recompute, sizes=(4, 4, 4))


@memory.mistake(hint="The activations of the blocks are in bfloat16: two bytes a number.")
def activations_in_full(n_weights, n_layer, n_embd, vocab_size, n_tokens, recompute):
    """activations in float32"""
    return in_memory(n_weights, n_layer, n_embd, vocab_size, n_tokens, recompute, kept=4)


@memory.mistake(hint="The log-probabilities of the loss are in float32: four bytes each.")
def the_loss_in_half(n_weights, n_layer, n_embd, vocab_size, n_tokens, recompute):
    """the log-probabilities in bfloat16"""
    return in_memory(n_weights, n_layer, n_embd, vocab_size, n_tokens, recompute, loss=2)


@memory.mistake(hint="The last row of the table: V numbers for each token, often more than all blocks together.")
def without_the_loss(n_weights, n_layer, n_embd, vocab_size, n_tokens, recompute):
    """activations without those of the loss"""
    return in_memory(n_weights, n_layer, n_embd, vocab_size, n_tokens, recompute, loss=0)


@memory.mistake(hint="The blocks' inputs are what is left. But the block that is being computed again has its 16 C as well.")
def inputs_only(n_weights, n_layer, n_embd, vocab_size, n_tokens, recompute):
    """an answer in which, with recompute, only the inputs of the blocks are kept"""
    return in_memory(n_weights, n_layer, n_embd, vocab_size, n_tokens, recompute, numbers=n_layer * n_embd)


@memory.mistake(hint="From what would a block be computed again? Every block's input is kept, C numbers a token.")
def one_block_only(n_weights, n_layer, n_embd, vocab_size, n_tokens, recompute):
    """an answer in which, with recompute, one block is kept and no inputs are"""
    return in_memory(n_weights, n_layer, n_embd, vocab_size, n_tokens, recompute, numbers=16 * n_embd)


@memory.mistake(hint="recompute=True should need less: inputs of all blocks, and one block in full.")
def recompute_ignored(n_weights, n_layer, n_embd, vocab_size, n_tokens, recompute):
    """an answer that takes no notice of recompute"""
    return in_memory(n_weights, n_layer, n_embd, vocab_size, n_tokens, False)


@memory.mistake(hint="The table is for one token. How many are in the batch?")
def for_one_token(n_weights, n_layer, n_embd, vocab_size, n_tokens, recompute):
    """the activations of a single token"""
    return in_memory(n_weights, n_layer, n_embd, vocab_size, n_tokens, recompute, per=1)


@memory.mistake(hint="Bytes, not megabytes.")
def in_megabytes(n_weights, n_layer, n_embd, vocab_size, n_tokens, recompute):
    """an answer in megabytes"""
    parts = in_memory(n_weights, n_layer, n_embd, vocab_size, n_tokens, recompute)
    return {name: size / 1e6 for name, size in parts.items()}


@memory.forbid("course_lib.training.cost.activation_bytes")
def _(call, n_weights, n_layer, n_embd, vocab_size, n_tokens, recompute):
    shape = GPTConfig(vocab_size=vocab_size, n_layer=1 if recompute else n_layer, n_head=1, n_embd=n_embd, position="none",
                      feedforward="gelu")
    parts = in_memory(n_weights, n_layer, n_embd, vocab_size, n_tokens, recompute)
    return parts | {"activations": call(shape, n_tokens) + (2 * n_layer * n_embd * n_tokens if recompute else 0)}
