"""`course generate`: let a trained model write, token by token. The loop is derived in lesson 13 (decoding)."""

from collections.abc import Iterator

import click


@click.command()
@click.argument("models", nargs=-1, required=True, metavar="MODEL...")
@click.option("--prompt", help="The beginning to go on from.  [default: none, a new document; for several models a "
              "held-out beginning of the first one's text]")
@click.option("--temperature", type=click.FloatRange(min=0), default=0.8, show_default=True,
              help="0 always takes the most probable token; 1 draws as the model believes.")
@click.option("--top-k", type=click.IntRange(min=1), help="Draw from the k most probable tokens only.")
@click.option("--top-p", type=click.FloatRange(0, 1, min_open=True),
              help="Draw from the fewest tokens that have p together.")
@click.option("--min-p", type=click.FloatRange(0, 1), help="Leave out tokens less probable than min-p times the best.")
@click.option("--typical-p", type=click.FloatRange(0, 1, min_open=True),
              help="Draw from the tokens that surprise about as much as expected, p together.")
@click.option("--repetition-penalty", type=click.FloatRange(min=0, min_open=True),
              help="Above 1: tokens that were there before, the prompt's too, become less probable.")
@click.option("--beams", type=click.IntRange(min=1), help="No drawing: the most probable text that so many beams find.")
@click.option("--stop", "stop_texts", multiple=True, help="End before this text; may be given several times.")
@click.option("--max-new-tokens", type=click.IntRange(min=1), default=400, show_default=True)
@click.option("--seed", type=int, help="The same seed writes the same text.")
@click.option("--device", default="auto", show_default=True)
def generate(models: tuple[str, ...], prompt: str | None, device: str, **options: object) -> None:
    """Write with MODEL: a run's folder, a checkpoint's folder, or a model that comes with the course (small).

    One model streams as it writes. Several go on from the same prompt, and stand side by side.
    """
    from course_lib.cli.columns import held_out_beginning, side_by_side
    from course_lib.text.texts import clean
    from course_lib.training.device import pick_device
    from course_lib.training.pretrained import load_model

    place = pick_device(device)
    if len(models) == 1:
        text = clean(prompt or "")
        click.echo(text, nl=False)
        for piece in written(load_model(models[0], device=place), text, place, **options):
            click.echo(piece, nl=False)
        click.echo()
        return
    loaded = [load_model(name, device=place) for name in models]
    text = held_out_beginning(models[0], loaded[0].tokenizer) if prompt is None else clean(prompt)
    if text:
        click.echo(f"All go on from:\n{text}\n")
    texts = ["".join(written(one, text, place, **options)).lstrip() for one in loaded]
    click.echo(side_by_side(models, texts))


def written(checkpoint, prompt: str, place, *, repetition_penalty: float | None, beams: int | None, seed: int | None,
            stop_texts: tuple[str, ...], max_new_tokens: int, **sampling: float | None) -> Iterator[str]:
    """What the checkpoint's model adds to the prompt, piece by piece."""
    import torch

    from course_lib.generation.beam import beam_search, next_log_probs
    from course_lib.generation.generate import stream
    from course_lib.generation.penalties import adjust_with
    from course_lib.generation.stopping import read_texts

    model, tokenizer = checkpoint.model.to(place).eval(), checkpoint.tokenizer
    end = tokenizer.end_of_text
    ids = ([] if end is None else [end]) + tokenizer.encode(prompt)
    if not ids:
        raise ValueError("this tokenizer has no end-of-text id to start from; give a --prompt")
    stop_ids = () if end is None else (end,)
    generator = torch.Generator(place)
    generator.seed() if seed is None else generator.manual_seed(seed)
    said = torch.tensor([[token != end for token in ids]], device=place)
    adjust = adjust_with(said, repetition_penalty=repetition_penalty)
    if beams is None:
        new = stream(model, torch.tensor([ids], device=place), max_new_tokens=max_new_tokens, stop_ids=stop_ids,
                     generator=generator, adjust=adjust, **sampling)
    else:
        log_probs = next_log_probs(model)
        found, _ = beam_search(lambda idx: adjust(log_probs(idx), idx), ids, n_beam=beams,
                               max_new_tokens=max_new_tokens, stop_ids=stop_ids)
        new = torch.tensor(found[0].ids)[:, None]
    for (text,) in read_texts(new, tokenizer, stop_texts=stop_texts, stop_ids=stop_ids):
        yield text
