"""`course generate`: let a trained model write, token by token. The loop is derived in lesson 13 (decoding)."""

import click


@click.command()
@click.argument("folder", type=click.Path(exists=False))
@click.option("--prompt", default="", help="The beginning to go on from; empty: a new document.")
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
def generate(folder: str, prompt: str, repetition_penalty: float | None, beams: int | None,
             stop_texts: tuple[str, ...], max_new_tokens: int, seed: int | None, device: str,
             **sampling: float | None) -> None:
    """Write with the model in FOLDER (a run or a checkpoint), streaming as it goes."""
    import torch

    from course_lib.generation.beam import beam_search, next_log_probs
    from course_lib.generation.generate import stream
    from course_lib.generation.penalties import adjust_with
    from course_lib.generation.stopping import read_texts
    from course_lib.text.texts import clean
    from course_lib.training.checkpoint import load_checkpoint
    from course_lib.training.device import pick_device

    place = pick_device(device)
    model, tokenizer = load_checkpoint(folder)[:2]
    model.to(place).eval()
    end = tokenizer.end_of_text
    ids = ([] if end is None else [end]) + tokenizer.encode(prompt)
    if not ids:
        raise ValueError("this tokenizer has no end-of-text id to start from; give a --prompt")
    stop_ids = () if end is None else (end,)
    generator = torch.Generator(place)
    generator.seed() if seed is None else generator.manual_seed(seed)
    said = torch.tensor([[token != end for token in ids]], device=place)
    adjust = adjust_with(said, repetition_penalty=repetition_penalty)
    click.echo(clean(prompt), nl=False)
    if beams is None:
        new = stream(model, torch.tensor([ids], device=place), max_new_tokens=max_new_tokens, stop_ids=stop_ids,
                     generator=generator, adjust=adjust, **sampling)
    else:
        log_probs = next_log_probs(model)
        found, _ = beam_search(lambda idx: adjust(log_probs(idx), idx), ids, n_beam=beams,
                               max_new_tokens=max_new_tokens, stop_ids=stop_ids)
        new = torch.tensor(found[0].ids)[:, None]
    for (text,) in read_texts(new, tokenizer, stop_texts=stop_texts, stop_ids=stop_ids):
        click.echo(text, nl=False)
    click.echo()
