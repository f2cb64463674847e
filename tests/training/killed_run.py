"""A run that test_trainer.py starts in another process and kills there; the test sets `out` and `max_steps`."""

import numpy as np
import torch

from course_lib.model.config import GPTConfig
from course_lib.model.gpt import GPT
from course_lib.text.dataset import TokenDataset
from course_lib.training.config import TrainConfig
from course_lib.training.run_folder import last_checkpoint
from course_lib.training.trainer import Trainer

torch.set_num_threads(1)
ids = np.random.default_rng(0).integers(0, 30, 2000)
dataset = TokenDataset(ids, batch_size=4, context_length=16, seed=3)
config = TrainConfig(max_steps=max_steps, batch_size=4, accumulation_steps=2, optimizer="muon", dtype="float32",  # noqa: F821
                     device="cpu", threads=1, save_every=1, eval_every=5, warmup_steps=3)
if last_checkpoint(out):  # noqa: F821
    trainer = Trainer.resume(out, dataset, config=config, held_out=ids[:200])  # noqa: F821
else:
    torch.manual_seed(0)
    model = GPT(GPTConfig(vocab_size=30, context_length=16, n_layer=2, n_head=2, n_embd=16, dropout=0.1))
    trainer = Trainer(model, dataset, config, held_out=ids[:200], out=out)  # noqa: F821
for _ in trainer:
    pass
