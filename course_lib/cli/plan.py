"""`course plan`: what a run would take, before it is paid for. Lesson 15 (scale) derives the arithmetic."""

import math

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
@click.option("--tokens", type=click.FloatRange(min=1, max=1e18), default=10e9, show_default=True,
              help="Tokens to train on.")
@click.option("--hardware", help="One of the devices in course_lib/training/hardware.py; default: all of them.")
@click.option("--devices", type=click.IntRange(min=1, max=1_000_000), default=8, show_default=True,
              help="How many of them.")
@click.option("--parallel", type=click.Choice(["ddp", "fsdp"]), default="fsdp", show_default=True)
@click.option("--memory", type=click.FloatRange(min=0.1, max=1e6), metavar="GB",
              help="Only say which batch fits a device with so much memory, such as one that is not listed.")
def plan(preset: str | None, tokens: float, hardware: str | None, devices: int, parallel: str,
         memory: float | None) -> None:
    """Plan a run on paper: memory a device, steps, hours, and what becomes the limit.

    Without PRESET: from 124 million parameters on one GPU to a billion parameters and a trillion tokens, and how
    well the same arithmetic meets runs that were published.
    """
    from course_lib.training.hardware import HARDWARE
    from course_lib.training.plan import EFFICIENCY, FACTOR, published_runs

    if hardware is not None and hardware not in HARDWARE:
        raise ValueError(f"hardware {hardware!r} is unknown; choose one of {', '.join(HARDWARE)}")
    if memory is not None:
        if preset is None:
            raise ValueError(f"--memory {memory:g} is asked for a preset: course plan gpt2_124m --memory {memory:g}")
        click.echo(fitting_batch(preset, memory, hardware, devices, parallel))
        return
    chosen = [hardware] if hardware else list(HARDWARE)
    rows = ROWS if preset is None else [(preset, tokens, name, devices, parallel) for name in chosen]
    click.echo(tables(rows, f"hours at {EFFICIENCY:.0%} of the data sheet's peak"))
    if preset is None:
        click.echo(f"\n{'published run':<36}{'devices':>18}{'hours':>10}{'here':>10}")
        for run in published_runs():
            who = f"{run.name:<36}{f'{run.devices} x {run.hardware}':>18}"
            click.echo(f"{who}{run.hours:>10.2f}{run.predicted:>10.2f}\n  {run.source}")
        click.echo(f"All within a factor of {FACTOR}.")


def tables(rows, title: str) -> str:
    """What a run takes, one line a row, and below it the memory of a device by component."""
    from course_lib.training.hardware import HARDWARE
    from course_lib.training.plan import plan_run, preset_and_recipe

    runs, parts = [], []
    for preset, tokens, name, devices, parallel in rows:
        made = plan_run(*preset_and_recipe(preset, parallel), HARDWARE[name], devices, tokens)
        who = f"{preset:<14}{f'{devices} x {name}':<20}{parallel if devices > 1 else '':<5}"
        at_once = made.batch_size or "none"
        runs.append(f"{who}{short(made.parameters):>11}{short(tokens):>8}{at_once:>9}{short(made.steps):>9}"
                    f"{'never' if math.isinf(made.hours) else short(made.hours):>9}  {made.limit}")
        parts.append(who + "".join(f"{made.memory[part] / 1e9:>{len(part) + 1}.1f}" for part in COMPONENTS))
    who = f"{'preset':<14}{'devices':<20}{'':<5}"
    return "\n".join([
        f"Runs: windows at once on a device, {title}", "",
        f"{who}{'parameters':>11}{'tokens':>8}{'windows':>9}{'steps':>9}{'hours':>9}  limit", *runs, "",
        "Memory of a device, in GB (head: the logits; borrowed: what fsdp gathers)", "",
        who + "".join(f" {part}" for part in COMPONENTS), *parts])


def fitting_batch(preset: str, gigabytes: float, hardware: str | None, devices: int, parallel: str) -> str:
    """One or two lines: how many windows at once fit, and the command that takes so many."""
    from course_lib.model.config import PRESETS
    from course_lib.training.hardware import HARDWARE
    from course_lib.training.plan import largest_batch, preset_and_recipe

    dtype = HARDWARE[hardware].dtype if hardware else "bfloat16"
    config, recipe = preset_and_recipe(preset, parallel)
    batch_size, parts = largest_batch(config, recipe, gigabytes * 1e9, devices, dtype=dtype)
    dtype, total = dtype if recipe.dtype == "auto" else recipe.dtype, parts["total"] / 1e9
    where = f"on {devices} devices" if devices > 1 else "on one device"
    if total > gigabytes:
        return (f"{preset} does not fit {gigabytes:g} GB {where}: with one window it takes {total:.1f} GB, in {dtype}\n"
                "Try more --devices with --parallel fsdp, or a smaller preset.")
    return (f"{preset} {where}: {batch_size} windows at once take {total:.1f} of {gigabytes:g} GB, in {dtype}"
            + (f"\ncourse train {preset} --batch-size {batch_size} …" if preset in PRESETS else ""))


def short(number: float) -> str:
    """A number in at most seven characters.

    >>> short(124_439_808), short(3.25e9), short(19_073), short(30.25), short(0.0321)
    ('124M', '3.25B', '19,073', '30.2', '0.0321')
    """
    if number < 1e6:
        return f"{number:,.0f}" if number >= 1000 else f"{number:.3g}"
    for size, letter in ((1e18, "E"), (1e15, "P"), (1e12, "T"), (1e9, "B"), (1e6, "M")):
        if number >= size:
            return f"{number / size:.3g}{letter}" if number < 1e20 else f"{number:.0e}"
    return str(number)
