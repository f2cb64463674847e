"""A trainer run to its end under a bar. Used like lesson 12 (gpt)."""

from collections import deque

from tqdm import tqdm

from course_lib.cli.samples import cut_samples, keep_sample
from course_lib.training import ranks
from course_lib.training.distributed import is_whole
from course_lib.training.trainer import Trainer


class Speed:
    """Tokens a second over the last `steps` steps, without the first ones, in which a compiler works.

    `seconds` of a record are spent in updates: evaluations and samples do not count.
    """

    def __init__(self, warm_up: int = 2, steps: int = 50):
        self.to_skip, self.points = warm_up, deque(maxlen=steps + 1)

    def after(self, record: dict) -> str:
        """The speed in words; "" as long as there is none."""
        if self.to_skip > 0:
            self.to_skip -= 1
        if self.to_skip == 0:
            self.points.append((record["tokens"], record["seconds"]))
        if len(self.points) < 2:
            return ""
        (tokens, seconds), (more_tokens, later) = self.points[0], self.points[-1]
        return f", {(more_tokens - tokens) / max(later - seconds, 1e-9):,.0f} tokens/s"


def drain(trainer: Trainer, stopped: list) -> None:
    """Train to the end, or until `stopped` is filled, under a bar; leave a checkpoint either way.

    Each evaluation also leaves a sample of what the model writes by then. Of several ranks the first one shows the
    bar; all stop as soon as one is asked to.
    """
    if ranks.is_main():
        cut_samples(trainer.out, trainer.step)
    with tqdm(total=trainer.config.max_steps, initial=trainer.step, unit="step", dynamic_ncols=True,
              disable=not ranks.is_main()) as bar:
        trainer.passes.say = bar.write
        speed = Speed()
        for record in trainer:
            bar.update()
            bar.set_postfix_str(f"loss {record['loss']:.3f}{speed.after(record)}", refresh=False)
            if "held_out_loss" in record and ranks.is_main():
                bar.write(f"step {record['step']:>6,}  training {record['loss']:.3f}  "
                          f"held out {record['held_out_loss']:.3f} nats a token  "
                          f"{record.get('bits_per_byte', float('nan')):.3f} bits per byte")
                if is_whole(trainer.model):
                    keep_sample(trainer)
            if ranks.total(len(stopped)):
                trainer.save()
                return
