"""`course data`: the texts of the course, what they are and where they come from. Used in lesson 00 (start_here)."""

import click


@click.group()
def data() -> None:
    """List, show or fetch the texts that models are trained on."""


@data.command("list")
def list_() -> None:
    """One line for each text."""
    from course_lib.text.corpora import CORPORA

    width = max(map(len, CORPORA))
    for name, entry in CORPORA.items():
        click.echo(f"{name:<{width}}  {entry.description}")


@data.command()
@click.argument("name")
@click.option("--chars", default=600, show_default=True, help="How much of it to print.")
def show(name: str, chars: int) -> None:
    """Print the manifest of NAME and its beginning."""
    from course_lib.text.corpora import load_corpus

    corpus = load_corpus(name)
    for key, value in corpus.manifest().items():
        click.echo(f"{key:>10}  {value}")
    shown = 0
    for document in corpus.documents:
        click.echo(f"\n{'─' * 72}\n{document[:chars - shown]}")
        shown += len(document)
        if shown >= chars:
            break


@data.command()
@click.argument("name")
def fetch(name: str) -> None:
    """Download NAME (or find it in COURSE_DATA), verify it, and say where it lies."""
    from course_lib.text.download import DOWNLOADS, fetch

    known = {item.name: item for item in DOWNLOADS} | {item.name.partition(".")[0]: item for item in DOWNLOADS}
    if name not in known:
        raise click.ClickException(f"{name!r} is not a download; choose one of "
                                   f"{', '.join(item.name for item in DOWNLOADS)}")
    click.echo(str(fetch(known[name])))
