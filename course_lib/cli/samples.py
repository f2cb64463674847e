"""What a model writes while it learns, kept in the run's folder as samples.jsonl. Read in lesson 14 (gpt_on_gpu)."""

import json
import os
from pathlib import Path

from course_lib.doors.files import write_text
from course_lib.doors.json_file import read_lines

FILE = "samples.jsonl"
TEMPERATURE = 0.8


def keep_sample(trainer, max_new_tokens: int = 160) -> str:
    """Let the trainer's model write one document, append {"step", "text"} to the run's samples, return the text.

    Every sample is drawn with the same random numbers of its own: two samples differ by what was learned between
    them alone, and training goes on as if nothing had been drawn. Without a tokenizer that knows where documents
    end there is no sample ("").
    """
    import torch

    from course_lib.generation.stopping import complete
    from course_lib.training.device import eagerly

    if trainer.tokenizer is None or trainer.tokenizer.end_of_text is None:
        return ""
    with eagerly(trainer.config):  # a text grows by one token a pass
        [text] = complete(trainer.model, trainer.tokenizer, [""], max_new_tokens=max_new_tokens,
                          temperature=TEMPERATURE, generator=torch.Generator(trainer.device).manual_seed(0))
    if trainer.out is not None:
        with open(trainer.out / FILE, "a", encoding="utf-8", newline="\n") as file:
            file.write(json.dumps({"step": trainer.step, "text": text}, ensure_ascii=False) + "\n")
    return text


def read_samples(folder: str | Path) -> list[dict]:
    """The samples of a run, in the order of their steps; [] where none were kept."""
    path = Path(folder) / FILE
    wanted = {"step": int, "text": str}
    return read_lines(path, "a run's samples", keys=wanted, way_out="remove it") if os.path.exists(path) else []


def cut_samples(folder: str | Path, step: int) -> None:
    """Drop the samples after `step`: a run that goes on from there draws them again."""
    kept = [sample for sample in read_samples(folder) if sample["step"] <= step]
    if os.path.exists(path := Path(folder) / FILE):
        write_text(path, "".join(json.dumps(sample, ensure_ascii=False) + "\n" for sample in kept))
