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


@memory.probe()
def gpt2(ns, rng):
    """GPT-2, 64 windows of 1024 tokens, everything kept and with recompute"""
    return [ns["training_memory"](124_439_808, 12, 768, 50257, 65_536, recompute) for recompute in (False, True)]


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


def in_memory(N, L, C, V, n_tokens, recompute, *, sizes=(4, 4, 8), kept=2, loss=4, numbers=None, per=None, norm=2, besides=0):
    """The right answer, with some things wrong. numbers: of all blocks with recompute, for a token; norm: numbers / C."""
    numbers = L * C + 16 * C if numbers is None else numbers
    blocks = numbers if recompute else 16 * L * C
    activations = (n_tokens if per is None else per) * (kept * (blocks + norm * C) + loss * V) + besides
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


@memory.mistake(hint="With recompute only the block in hand has its 16 C. Yours keeps those of all blocks, and the inputs on top of them.")
def kept_and_inputs(n_weights, n_layer, n_embd, vocab_size, n_tokens, recompute):
    """an answer in which, with recompute, every block keeps its 16 C and its input as well"""
    return in_memory(n_weights, n_layer, n_embd, vocab_size, n_tokens, recompute, numbers=17 * n_layer * n_embd)


@memory.mistake(hint="All L inputs are kept, that of the block in hand too; and that block has its 16 C in full on top of them.")
def one_input_less(n_weights, n_layer, n_embd, vocab_size, n_tokens, recompute):
    """an answer in which, with recompute, the block in hand has its 16 C but no input of its own"""
    return in_memory(n_weights, n_layer, n_embd, vocab_size, n_tokens, recompute, numbers=(n_layer + 15) * n_embd)


@memory.mistake(hint="Recompute changes what the blocks keep. The last norm and the loss keep what they kept.")
def blocks_alone_with_recompute(n_weights, n_layer, n_embd, vocab_size, n_tokens, recompute):
    """an answer in which, with recompute, the last norm and the loss are forgotten"""
    parts = {"norm": 0, "loss": 0} if recompute else {}
    return in_memory(n_weights, n_layer, n_embd, vocab_size, n_tokens, recompute, **parts)


@memory.mistake(hint="recompute=True should need less than False: yours has the two exchanged.")
def the_other_way_round(n_weights, n_layer, n_embd, vocab_size, n_tokens, recompute):
    """recompute and its opposite exchanged"""
    return in_memory(n_weights, n_layer, n_embd, vocab_size, n_tokens, not recompute)


@memory.mistake(hint="Without recompute, each of the n_layer blocks keeps its 16 C.")
def a_single_block(n_weights, n_layer, n_embd, vocab_size, n_tokens, recompute):
    """activations of a single block where every block keeps its own"""
    return in_memory(n_weights, n_layer if recompute else 1, n_embd, vocab_size, n_tokens, recompute)


@memory.mistake(hint="The table has a second row: the last norm keeps 2 C numbers for each token.")
def without_the_norm(n_weights, n_layer, n_embd, vocab_size, n_tokens, recompute):
    """activations without those of the last norm"""
    return in_memory(n_weights, n_layer, n_embd, vocab_size, n_tokens, recompute, norm=0)


@memory.mistake(hint="There is one last norm, behind all blocks. (Those inside a block are in its 16 C.)")
def a_norm_for_every_block(n_weights, n_layer, n_embd, vocab_size, n_tokens, recompute):
    """2 C for a norm in every block, where only the last norm has them"""
    return in_memory(n_weights, n_layer, n_embd, vocab_size, n_tokens, recompute, norm=2 * n_layer)


@memory.mistake(hint="The last norm keeps bfloat16, two bytes a number; float32 is for the loss.")
def the_norm_in_full(n_weights, n_layer, n_embd, vocab_size, n_tokens, recompute):
    """the last norm in float32"""
    return in_memory(n_weights, n_layer, n_embd, vocab_size, n_tokens, recompute, norm=4)


@memory.mistake(hint="The V log-probabilities are kept for each token, like the other rows: times n_tokens.")
def the_loss_once(n_weights, n_layer, n_embd, vocab_size, n_tokens, recompute):
    """V numbers for the loss of the whole batch, not for each token"""
    return in_memory(n_weights, n_layer, n_embd, vocab_size, n_tokens, recompute, loss=0, besides=4 * vocab_size)


@memory.mistake(hint="All three rows of the table are kept for each token. Yours multiplies only the blocks by n_tokens.")
def blocks_alone_for_each_token(n_weights, n_layer, n_embd, vocab_size, n_tokens, recompute):
    """the last norm and the loss for a single token"""
    besides = 4 * n_embd + 4 * vocab_size
    return in_memory(n_weights, n_layer, n_embd, vocab_size, n_tokens, recompute, norm=0, loss=0, besides=besides)


@memory.mistake(hint="The loss keeps a log-probability for each word, V for a token, not one number.")
def one_number_for_the_loss(n_weights, n_layer, n_embd, vocab_size, n_tokens, recompute):
    """one number for the loss of a token, where V are kept"""
    return in_memory(n_weights, n_layer, n_embd, vocab_size, n_tokens, recompute, loss=0, besides=4 * n_tokens)


@memory.mistake(hint="The loss stands behind the last block, once.")
def a_loss_for_every_block(n_weights, n_layer, n_embd, vocab_size, n_tokens, recompute):
    """the loss's numbers for every block"""
    return in_memory(n_weights, n_layer, n_embd, vocab_size, n_tokens, recompute, loss=4 * n_layer)


@memory.mistake(hint="Both parts of a token's bytes: bfloat16 for blocks and norm, float32 for the loss, 4 V. Yours counts 2 · 4 V.")
def the_loss_doubled(n_weights, n_layer, n_embd, vocab_size, n_tokens, recompute):
    """four bytes a number for the loss, and the two of bfloat16 once more"""
    return in_memory(n_weights, n_layer, n_embd, vocab_size, n_tokens, recompute, loss=8)


@memory.mistake(hint="The weights themselves are in float32 here: no further copy of them lies with the optimizer.")
def a_copy_too_many(n_weights, n_layer, n_embd, vocab_size, n_tokens, recompute):
    """a further copy of the weights counted with the optimizer"""
    return in_memory(n_weights, n_layer, n_embd, vocab_size, n_tokens, recompute, sizes=(4, 4, 12))


@memory.mistake(hint="How many bytes does each number take? Yours counts numbers.")
def numbers_not_bytes(n_weights, n_layer, n_embd, vocab_size, n_tokens, recompute):
    """numbers in place of bytes"""
    return in_memory(n_weights, n_layer, n_embd, vocab_size, n_tokens, recompute, sizes=(1, 1, 2), kept=1, loss=1)


@memory.mistake(hint="The table is for one token. How many are in the batch?")
def for_one_token(n_weights, n_layer, n_embd, vocab_size, n_tokens, recompute):
    """the activations of a single token"""
    return in_memory(n_weights, n_layer, n_embd, vocab_size, n_tokens, recompute, per=1)


@memory.mistake(hint="Bytes, not megabytes.")
def in_megabytes(n_weights, n_layer, n_embd, vocab_size, n_tokens, recompute):
    """an answer in megabytes"""
    parts = in_memory(n_weights, n_layer, n_embd, vocab_size, n_tokens, recompute)
    return {name: size / 1e6 for name, size in parts.items()}


@memory.mistake(hint="Bytes, not gigabytes.")
def in_gigabytes(n_weights, n_layer, n_embd, vocab_size, n_tokens, recompute):
    """an answer in gigabytes"""
    parts = in_memory(n_weights, n_layer, n_embd, vocab_size, n_tokens, recompute)
    return {name: size / 1e9 for name, size in parts.items()}


@memory.mistake(hint="Bytes, not GiB.")
def in_gib(n_weights, n_layer, n_embd, vocab_size, n_tokens, recompute):
    """an answer in GiB, of 2³⁰ bytes each"""
    parts = in_memory(n_weights, n_layer, n_embd, vocab_size, n_tokens, recompute)
    return {name: size / 2**30 for name, size in parts.items()}


@memory.mistake(hint="Bytes, not MiB.")
def in_mib(n_weights, n_layer, n_embd, vocab_size, n_tokens, recompute):
    """an answer in MiB, of 2²⁰ bytes each"""
    parts = in_memory(n_weights, n_layer, n_embd, vocab_size, n_tokens, recompute)
    return {name: size / 2**20 for name, size in parts.items()}


@memory.forbid("course_lib.training.cost.activation_bytes")
def _(call, n_weights, n_layer, n_embd, vocab_size, n_tokens, recompute):
    shape = GPTConfig(vocab_size=vocab_size, n_layer=1 if recompute else n_layer, n_head=1, n_embd=n_embd, position="none",
                      feedforward="gelu")
    parts = in_memory(n_weights, n_layer, n_embd, vocab_size, n_tokens, recompute)
    return parts | {"activations": call(shape, n_tokens) + (2 * n_layer * n_embd * n_tokens if recompute else 0)}
