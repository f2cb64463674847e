"""`course train`: one command from a text to a model that writes it. Lesson 12 (gpt) does the same by hand."""

import json
import time
from pathlib import Path

import click


@click.command()
@click.argument("preset")
@click.option("--data", "data_name", help="A text of `course data list`.  [default: storyworld]")
@click.option("--out", type=click.Path(), required=True, help="The run's folder: checkpoints, metrics, ids.")
@click.option("--steps", type=click.IntRange(min=1), help="Optimizer updates instead of the recipe's.")
@click.option("--batch-size", type=click.IntRange(min=1),
              help="Windows in one forward pass; the update stays the recipe's. What does not fit is halved by itself.")
@click.option("--device", help="cpu, cuda, cuda:1, mps; default: a GPU if there is one.")
@click.option("--seed", type=click.IntRange(min=0), help="Another seed than the recipe's 0.")
@click.option("--threads", type=click.IntRange(min=1), help="CPU threads; default: one for each core.")
@click.option("--tokenizer", type=click.Choice(["bpe", "char"]), help="[default: bpe]")
@click.option("--vocab-size", type=click.IntRange(min=257),
              help="Ids of a bpe tokenizer; GPT-2 had 50257.  [default: 1536]")
@click.option("--min-chars", type=click.IntRange(min=1), help="Characters of a generated text: storyworld.")
@click.option("--parallel", type=click.Choice(["ddp", "fsdp"]),
              help="How the processes of torchrun share the run; fsdp shares the memory, too.  [default: ddp]")
@click.option("--resume", is_flag=True, help="Go on from the run's last checkpoint, with its text and settings.")
@click.option("--fresh", is_flag=True, help="Replace a run that is already in --out.")
def train(preset: str, data_name: str | None, out: str, steps: int | None, batch_size: int | None, device: str | None,
          seed: int | None, threads: int | None, tokenizer: str | None, vocab_size: int | None, min_chars: int | None,
          parallel: str | None, resume: bool, fresh: bool) -> None:
    """Train the model PRESET (tiny, baseline_tiny, small_cpu, gpt2_124m ...) on a text.

    Shows loss, tokens a second and the time left; Ctrl-C leaves a checkpoint that --resume goes on from.
    Ends with a table of held-out bits per byte: counting models, this model, the source where it is known. The run's
    folder keeps it as scores.json.

    On several GPUs: torchrun --nproc-per-node 8 -m course_lib train PRESET ... (docs/many_nodes.md).
    """
    from course_lib.cli import run
    from course_lib.cli.drain import drain
    from course_lib.doors.files import write_text
    from course_lib.lab import scoreboard
    from course_lib.training import ranks

    folder = Path(out)
    with ranks.process_group():
        if ranks.is_main():
            run.claim(folder, resume=resume, fresh=fresh)
        started = time.perf_counter()
        trainer, prepared, corpus = run.set_up(
            preset, data_name, folder, max_steps=steps, batch_size=batch_size, device=device, seed=seed,
            threads=threads, parallel=parallel, tokenizer=tokenizer, vocab_size=vocab_size, min_chars=min_chars,
            resume=resume)
        if ranks.is_main():
            click.echo(run.describe(trainer, prepared, preset, corpus.name, time.perf_counter() - started))
        with run.interruptible() as stopped:
            drain(trainer, stopped)
        if not ranks.is_main():
            return
    if trainer.step < trainer.config.max_steps:
        raise click.ClickException(f"stopped at step {trainer.step}; go on with the same command and --resume")
    rows, entropy = run.score(trainer, prepared, corpus)
    write_text(folder / "scores.json", json.dumps(rows, indent=2) + "\n")
    click.echo(scoreboard.table(rows, entropy=entropy))
