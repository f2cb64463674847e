"""`course plan`: what a run would take, before it is paid for. Lesson 15 (scale) derives the arithmetic."""

import click

ROWS = (  # (preset, tokens, hardware, devices, parallel) of the table that is printed where nothing is asked
    ("gpt2_124m", 10e9, "RTX 4090", 1, "ddp"),
    ("gpt2_124m", 10e9, "H200", 1, "ddp"),
    ("modern_124m", 3.25e9, "H200", 1, "ddp"),
    ("gpt2_1558m", 33e9, "A100 40GB", 8, "ddp"),
    ("gpt2_1558m", 33e9, "A100 40GB", 8, "fsdp"),
    ("gpt2_1558m", 33e9, "H100", 8, "fsdp"),
    ("llama_1b", 1e12, "A100 80GB", 8, "fsdp"),
    ("llama_1b", 1e12, "H100", 8, "fsdp"),
    ("llama_1b", 1e12, "H100", 64, "ddp"),
    ("llama_1b", 1e12, "H200", 256, "ddp"),
    ("llama_1b", 1e12, "H200", 512, "fsdp"),
)
COMPONENTS = ("weights", "gradients", "optimizer", "borrowed", "activations", "head", "total")


@click.command()
@click.argument("preset", required=False)
@click.option("--tokens", type=click.FloatRange(min=1), default=10e9, show_default=True, help="Tokens to train on.")
@click.option("--hardware", help="One of the devices in course_lib/training/hardware.py; default: all of them.")
@click.option("--devices", type=click.IntRange(min=1), default=8, show_default=True, help="How many of them.")
@click.option("--parallel", type=click.Choice(["ddp", "fsdp"]), default="fsdp", show_default=True)
def plan(preset: str | None, tokens: float, hardware: str | None, devices: int, parallel: str) -> None:
    """Plan a run on paper: memory a device, steps, hours, and what becomes the limit.

    Without PRESET: from 124 million parameters on one GPU to a billion parameters and a trillion tokens, and how
    well the same arithmetic meets runs that were published.
    """
    from course_lib.training.hardware import HARDWARE
    from course_lib.training.plan import EFFICIENCY, FACTOR, published_runs

    if hardware is not None and hardware not in HARDWARE:
        raise ValueError(f"hardware {hardware!r} is unknown; choose one of {', '.join(HARDWARE)}")
    chosen = [hardware] if hardware else list(HARDWARE)
    rows = ROWS if preset is None else [(preset, tokens, name, devices, parallel) for name in chosen]
    click.echo(f"GB a device; hours at {EFFICIENCY:.0%} of the data sheet's peak\n")
    click.echo(table(rows))
    if preset is None:
        click.echo(f"\n{'published run':<36}{'devices':>16}{'hours':>8}{'here':>8}   source")
        for run in published_runs():
            click.echo(f"{run.name:<36}{f'{run.devices} x {run.hardware}':>16}{run.hours:>8.2f}{run.predicted:>8.2f}"
                       f"   {run.source}")
        click.echo(f"All within a factor of {FACTOR}.")


def table(rows) -> str:
    """One line a row."""
    from course_lib.training.hardware import HARDWARE
    from course_lib.training.plan import plan_run, preset_and_recipe

    lines = [f"{'preset':<14}{'N':>7}{'tokens':>8}  {'devices':<17}{'':<5}{'B':>4}"
             + "".join(f"{name[:8]:>9}" for name in COMPONENTS) + f"{'steps':>9}{'hours':>9}  limit"]
    for preset, tokens, name, devices, parallel in rows:
        made = plan_run(*preset_and_recipe(preset, parallel), HARDWARE[name], devices, tokens)
        lines.append(f"{preset:<14}{made.parameters / 1e6:>6.0f}M{tokens / 1e9:>7.0f}B  {f'{devices} x {name}':<17}"
                     f"{parallel if devices > 1 else '':<5}{made.batch_size:>4}"
                     + "".join(f"{made.memory[part] / 1e9:>9.1f}" for part in COMPONENTS)
                     + f"{made.steps:>9,}{made.hours:>9.1f}  {made.limit}")
    return "\n".join(lines)
