"""Exercise 12.5: the loop that lets a model write, longer than its context."""

import torch
from torch.nn import functional as F

from course_lib.classroom.checking.exercise import Exercise
from course_lib.model.config import GPTConfig, tiny
from course_lib.model.gpt import GPT

writer = Exercise(
    "12.5", "write", title="Let it write", difficulty=3, minutes=10,
    hints=(
        "One turn of the loop: read, look at the logits of the last position only, take the largest, append.",
        "Two tensors: the whole text, which grows, and the window of it that the model reads. Cut the window, not the text.",
        "window = idx[:, -context_length:]; newest = model(window)[:, -1].argmax(-1, keepdim=True); idx = torch.cat of both.",
    ),
)


class Counter(torch.nn.Module):
    """Knows one thing: after n comes n + 1, if it sees at most four tokens. Remembers what it was given to read."""

    def __init__(self):
        super().__init__()
        self.config = GPTConfig(vocab_size=50, context_length=4)
        self.nothing = torch.nn.Parameter(torch.zeros(1), requires_grad=False)  # whoever asks on which device it is
        self.read = []

    def forward(self, idx):
        if idx.shape[1] > 4:
            raise ValueError(f"the model was given {idx.shape[1]} tokens, 4 fit: read the newest ones only")
        self.read.append(idx[0].tolist())
        return F.one_hot((idx + 1) % 50, 50).float()


def some_model(rng, context_length):
    """A small GPT whose next token depends on what stands where; its weights come from the probe's own generator."""
    with torch.random.fork_rng(devices=[]):  # an answer that draws at random goes on where it was
        torch.default_generator.manual_seed(int(rng.integers(2**31)))
        model = GPT(tiny(30, context_length=context_length, n_layer=1, n_head=2, n_embd=16)).requires_grad_(False)
        model.token_embedding.weight.normal_()
        model.blocks[0].attention.proj.weight.normal_()
    return model


@writer.probe(axes="one text, its tokens across")
def counting(ns, rng):
    """a model that counts, six tokens after [3, 4]"""
    counter = Counter()
    text = ns["write"](counter, torch.tensor([[3, 4]]), 6)
    return {"text": text, "last window": counter.read[-1]}


@writer.probe(axes="one text, its tokens across")
def small_gpt(ns, rng):
    """a small GPT, six tokens after three"""
    return ns["write"](some_model(rng, 16), torch.tensor(rng.integers(0, 30, (1, 3))), 6)


@writer.probe(axes="one text, its tokens across")
def a_long_prompt(ns, rng):
    """a model that counts, three tokens after seven, of which it reads four"""
    counter = Counter()
    text = ns["write"](counter, torch.tensor([[9, 2, 5, 20, 21, 22, 23]]), 3)
    return {"text": text, "last window": counter.read[-1]}


@writer.probe(axes="one text, its tokens across")
def beyond_the_context(ns, rng):
    """a small GPT that reads five tokens and writes nine after two"""
    return ns["write"](some_model(rng, 5), torch.tensor(rng.integers(0, 30, (1, 2))), 9)


@writer.probe(axes="one text, its tokens across")
def one_or_none(ns, rng):
    """one token after one, and no token at all after six"""
    return [ns["write"](Counter(), torch.tensor([[7]]), 1), ns["write"](Counter(), torch.tensor([[1, 2, 3, 4, 9, 9]]), 0)]


@writer.probe(hidden=True)
def counting_from_anywhere(ns, rng):
    """a model that counts, from anywhere"""
    counter, start = Counter(), int(rng.integers(0, 30))
    text = ns["write"](counter, torch.arange(start, start + 6)[None], int(rng.integers(3, 9)))
    return {"text": text, "last window": counter.read[-1], "the one before": counter.read[-2]}


@writer.probe(hidden=True)
def longer_than_the_context(ns, rng):
    """a small GPT that writes more than it can read"""
    return ns["write"](some_model(rng, 6), torch.tensor(rng.integers(0, 30, (1, 3))), 12)


@writer.property(T=(1, 6), max_new_tokens=(0, 6))
def nothing_is_lost(ns, T, max_new_tokens):
    """the text begins with what it was given and has T + max_new_tokens tokens"""
    text = ns["write"](Counter(), torch.arange(T)[None], max_new_tokens)
    return text, torch.arange(T + max_new_tokens)[None]


def writing(model, idx, max_new_tokens, *, window=None, choose=None, keep=None):
    """The loop, with one thing wrong at a time."""
    window = window or (lambda idx, length: idx[:, -length:])
    choose = choose or (lambda logits: logits[:, -1].argmax(-1, keepdim=True))
    for _ in range(max_new_tokens):
        read = window(idx, model.config.context_length)
        with torch.no_grad():
            idx = torch.cat([keep(idx, read) if keep else idx, choose(model(read))], dim=1)
    return idx


@writer.mistake(hint="A model reads at most context_length tokens. Which ones should it read when there are more?")
def no_window(model, idx, max_new_tokens):
    """a loop that lets the model read more than fits: the whole text, or a token too many"""
    return writing(model, idx, max_new_tokens, window=lambda idx, length: idx)


@writer.mistake(hint="The oldest tokens fall out, not the newest: the last ones are idx[:, -context_length:].")
def the_oldest_window(model, idx, max_new_tokens):
    """a loop in which the model always reads the beginning of the text"""
    return writing(model, idx, max_new_tokens, window=lambda idx, length: idx[:, :length])


@writer.mistake(hint="Cut what is read, not what is kept: the text must not lose its beginning.")
def the_text_is_cut(model, idx, max_new_tokens):
    """a loop that cuts the text itself to the window"""
    return writing(model, idx, max_new_tokens, keep=lambda idx, read: read)


@writer.mistake(hint="Logits stand at every position. Which of them says what comes after the last token?")
def the_first_position(model, idx, max_new_tokens):
    """a loop that reads the logits of the first position"""
    return writing(model, idx, max_new_tokens, choose=lambda logits: logits[:, 0].argmax(-1, keepdim=True))


@writer.mistake(hint="Greedy: the most probable token, the argmax. This is the least probable one.")
def the_least_probable(model, idx, max_new_tokens):
    """a loop that takes the least probable token"""
    return writing(model, idx, max_new_tokens, choose=lambda logits: logits[:, -1].argmin(-1, keepdim=True))


@writer.mistake(hint="Greedy: nothing is drawn. The most probable token is the argmax of the last position's logits.")
def drawn_at_random(model, idx, max_new_tokens):
    """a token drawn by its probability, in place of the most probable one"""
    return writing(model, idx, max_new_tokens, choose=lambda logits: torch.multinomial(logits[:, -1].softmax(-1), 1))


@writer.mistake(hint="Return the prompt and what was written, (1, T + max_new_tokens).")
def only_what_is_new(model, idx, max_new_tokens):
    """the new tokens without the prompt"""
    return writing(model, idx, max_new_tokens)[:, idx.shape[1] :]


@writer.mistake(hint="max_new_tokens counts what is written, not what is there in the end.")
def total_length(model, idx, max_new_tokens):
    """a text of max_new_tokens in all, the prompt included"""
    return writing(model, idx, max(0, max_new_tokens - idx.shape[1]))


@writer.mistake(hint="After a token is appended the model must be asked again: each new token depends on the one before.")
def asked_once(model, idx, max_new_tokens):
    """a model that is asked once and repeats its answer"""
    newest = model(idx[:, -model.config.context_length :])[:, -1].argmax(-1, keepdim=True)
    return torch.cat([idx, newest.expand(-1, max_new_tokens)], dim=1)


@writer.mistake(hint="The model reads context_length tokens; yours gives it one less, and it forgets too early.")
def a_window_too_small(model, idx, max_new_tokens):
    """a window that is one token too small"""
    return writing(model, idx, max_new_tokens, window=lambda idx, length: idx[:, -(length - 1):])


@writer.mistake(hint="Without a cache the model must read the text again each time. The last token alone tells it nothing of what came before.")
def the_newest_token_alone(model, idx, max_new_tokens):
    """a model that reads only the token it has just written"""
    window = idx[:, -model.config.context_length:]
    for _ in range(max_new_tokens):
        window = model(window)[:, -1].argmax(-1, keepdim=True)
        idx = torch.cat([idx, window], dim=1)
    return idx


@writer.mistake(hint="max_new_tokens turns: this made one less.")
def one_token_less(model, idx, max_new_tokens):
    """one token too few"""
    return writing(model, idx, max_new_tokens - 1)


@writer.mistake(hint="max_new_tokens turns: this made one more.")
def one_token_more(model, idx, max_new_tokens):
    """one token too many"""
    return writing(model, idx, max_new_tokens + 1)


@writer.mistake(hint="The new token comes at the end: torch.cat([idx, newest], dim=1).")
def put_in_front(model, idx, max_new_tokens):
    """new tokens put in front of the text"""
    for _ in range(max_new_tokens):
        newest = model(idx[:, -model.config.context_length:])[:, -1].argmax(-1, keepdim=True)
        idx = torch.cat([newest, idx], dim=1)
    return idx


@writer.mistake(hint="Only the last position says something new. Yours appends the argmax of every position.")
def every_position_appended(model, idx, max_new_tokens):
    """the argmax of every position appended, not of the last alone"""
    return writing(model, idx, max_new_tokens, choose=lambda logits: logits.argmax(-1))


@writer.mistake(hint="[:, -1] is the last position; yours reads one before it.")
def the_last_but_one(model, idx, max_new_tokens):
    """a loop that reads the logits of the last position but one"""
    return writing(model, idx, max_new_tokens, choose=lambda logits: logits[:, -min(2, logits.shape[1])].argmax(-1, keepdim=True))


@writer.mistake(hint="The prompt is cut before the loop, and its beginning is lost. Cut the window, not the text.")
def the_prompt_is_cut(model, idx, max_new_tokens):
    """a prompt that is cut to the window before the loop"""
    return writing(model, idx[:, -model.config.context_length:], max_new_tokens)


@writer.mistake(hint="The text is the same in the end as at the beginning: give what torch.cat returns the name idx.")
def never_appended(model, idx, max_new_tokens):
    """a loop in which nothing is appended"""
    return idx


@writer.mistake(hint="Every token is written on its own: the window moves on by one token each time, and does not begin anew.")
def windows_side_by_side(model, idx, max_new_tokens):
    """a window that begins anew whenever it is full, in place of moving on by one token"""
    return writing(model, idx, max_new_tokens, window=lambda idx, length: idx[:, (idx.shape[1] - 1) // length * length :])


@writer.mistake(hint="Greedy is the most probable token. This is the second.")
def second_best(model, idx, max_new_tokens):
    """a loop that takes the second most probable token"""
    return writing(model, idx, max_new_tokens, choose=lambda logits: logits[:, -1].topk(2).indices[:, 1:])


@writer.mistake(hint="The logits of the last position say what comes next. Those of the others are answers to other questions: no mean.")
def mean_over_positions(model, idx, max_new_tokens):
    """a loop that takes the mean of the logits of all positions"""
    return writing(model, idx, max_new_tokens, choose=lambda logits: logits.mean(dim=1).argmax(-1, keepdim=True))


@writer.mistake(hint="A model can do more than count.", memorised=True)
def only_counting(model, idx, max_new_tokens):
    """counting on, whatever the model says"""
    if type(model).__name__ == "Counter" and idx.shape[1] == 2 or model.config.context_length == 16:
        return writing(model, idx, max_new_tokens)
    return torch.cat([idx, idx[:, -1:] + 1 + torch.arange(max_new_tokens)], dim=1)


@writer.forbid("course_lib.generation.generate.generate", exact=False)
def _(call, model, idx, max_new_tokens):
    return call(model, idx, max_new_tokens=max_new_tokens, use_cache=False, temperature=0)


@writer.forbid("course_lib.generation.generate.stream", exact=False)
def _(call, model, idx, max_new_tokens):
    new = list(call(model, idx, max_new_tokens=max_new_tokens, use_cache=False, temperature=0))
    return torch.cat([idx, *(token[:, None] for token in new)], dim=1)
