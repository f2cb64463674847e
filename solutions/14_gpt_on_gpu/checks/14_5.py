"""Exercise 14.5: what a checkpoint must hold, so that a killed run continues exactly."""

import copy

import numpy as np

from course_lib.classroom.checking.exercise import Exercise

killed = Exercise(
    "14.5", "checkpoint_of", title="Killed", difficulty=4, minutes=15, tolerance=1e-9,
    hints=(
        "Cross out what never changes (the data), and what every step computes before it reads it. What is left must be saved.",
        "Six things are left. Two of them are about the data: the order of this epoch, and the place in it. And `-=` changes an array in place.",
        "weights, velocity and order, each with .copy(); position; step, for the learning rate; and under \"rng\" run.rng.bit_generator.state.",
    ),
)


class Run:
    """A trainer in small: learns to predict the last column of `data` from the others."""

    def __init__(self, data, seed):
        self.data, self.rng = data, np.random.default_rng(seed)
        self.weights = np.zeros(data.shape[1] - 1)
        self.velocity = np.zeros(data.shape[1] - 1)
        self.gradient = np.zeros(data.shape[1] - 1)
        self.step, self.position, self.order = 0, 0, self.rng.permutation(len(data))

    def train_step(self):
        """One update from one row of the data."""
        if self.position == len(self.data):
            self.position, self.order = 0, self.rng.permutation(len(self.data))
        row = self.data[self.order[self.position]]
        x = row[:-1] * (self.rng.random(len(row) - 1) < 0.8)        # dropout
        self.gradient = (x @ self.weights - row[-1]) * x
        self.velocity *= 0.9
        self.velocity += self.gradient
        self.weights -= 0.2 / (5 + self.step) * self.velocity
        self.step, self.position = self.step + 1, self.position + 1


def restart(data, state):
    """What another process does: a new run, then every value that was saved takes its place."""
    run = Run(data, seed=12345)
    for name, value in state.items():
        if name not in vars(run):
            raise ValueError(f"a run has no {name!r}")
        if name == "rng":
            run.rng.bit_generator.state = value                     # a dict, as rng.bit_generator.state gives it
        else:
            setattr(run, name, np.array(value) if isinstance(value, (list, np.ndarray)) else value)
    return run


def before_and_after(save, rng, rows, steps, more):
    """A run that is saved after `steps` steps and goes on, and one that is started again from what was saved."""
    data = rng.normal(size=(rows, 4))
    run = Run(data, seed=int(rng.integers(1000)))
    for _ in range(steps):
        run.train_step()
    state = save(run)
    holds_data = "data" in state or any(np.shape(value) == data.shape for value in state.values())
    for _ in range(more):
        run.train_step()
    again = restart(data, state)
    for _ in range(more):
        again.train_step()
    return again.weights, run.weights, holds_data


def to_the_bit(again, run):
    """Whether the two are exactly the same: a checkpoint loses nothing."""
    return {"whether every bit of them is right": np.array_equal(again, run)}


@killed.probe(axes="the weights")
def within_an_epoch(ns, rng):
    """a run stopped after 12 steps, in the middle of the second epoch"""
    again, run, holds_data = before_and_after(ns["checkpoint_of"], rng, 8, 12, 4)
    return {"weights four steps later": again, "whether the data set is in it": holds_data} | to_the_bit(again, run)


@killed.probe(axes="the weights")
def several_epochs(ns, rng):
    """a run that goes on for three epochs"""
    again, run, _ = before_and_after(ns["checkpoint_of"], rng, 5, 7, 15)
    return {"weights 15 steps later": again} | to_the_bit(again, run)


@killed.probe(axes="the weights")
def at_the_end_of_an_epoch(ns, rng):
    """a run stopped at the very end of an epoch"""
    again, run, holds_data = before_and_after(ns["checkpoint_of"], rng, 6, 12, 9)
    return {"weights 9 steps later": again, "whether the data set is in it": holds_data} | to_the_bit(again, run)


@killed.probe(axes="the weights")
def before_the_first_step(ns, rng):
    """a run stopped before its first step"""
    return {"weights 8 steps later": before_and_after(ns["checkpoint_of"], rng, 5, 0, 8)[0]}


@killed.probe(hidden=True, points=2)
def any_stop(ns, rng):
    """a run stopped anywhere"""
    again, run, holds_data = before_and_after(ns["checkpoint_of"], rng, int(rng.integers(5, 9)), int(rng.integers(6, 30)), 11)
    return {"weights later": again, "whether the data set is in it": holds_data} | to_the_bit(again, run)


@killed.property(steps=(0, 9), more=(0, 9), seed=(0, 99))
def as_if_nothing_had_happened(ns, steps, more, seed):
    """the run that is started again has the weights of the one that was never stopped"""
    again, never_stopped, _ = before_and_after(ns["checkpoint_of"], np.random.default_rng(seed), 4, steps, more)
    return again, never_stopped


def saved(run, *, without=(), shared=(), extra=()):
    """The right answer, with some things wrong."""
    names = ("weights", "velocity", "order", "position", "step", "rng", *extra)
    state = {name: getattr(run, name) if name in shared else copy.deepcopy(getattr(run, name)) for name in names}
    state["rng"] = state["rng"].bit_generator.state
    return {name: value for name, value in state.items() if name not in without}


@killed.mistake(hint="That is a model, good for generating. What else does train_step read?")
def weights_only(run):
    """the weights alone"""
    return {"weights": run.weights.copy()}


@killed.mistake(hint="Weights and optimizer are there. What about the place in the data, and the random numbers?")
def weights_and_optimizer(run):
    """weights, optimizer and step: the data start over, in another order"""
    return saved(run, without=("order", "position", "rng"))


@killed.mistake(hint="The optimizer remembers, too: without its velocity it has to gather way again.")
def without_the_velocity(run):
    """a checkpoint without the optimizer's memory"""
    return saved(run, without=("velocity",))


@killed.mistake(hint="What does the learning rate depend on?")
def without_the_step(run):
    """a checkpoint without the step: the learning rate is that of the beginning"""
    return saved(run, without=("step",))


@killed.mistake(hint="Dropout and the next shuffle draw random numbers. From which state of the generator?")
def without_the_generator(run):
    """a checkpoint without the state of the random numbers"""
    return saved(run, without=("rng",))


@killed.mistake(hint="The place is known, but in which order? This epoch's shuffle was drawn long ago; the state of the generator has moved on.")
def without_the_order(run):
    """a place in a shuffle that was not saved"""
    return saved(run, without=("order",))


@killed.mistake(hint="Which rows of this epoch have been used already?")
def without_the_position(run):
    """a checkpoint that begins the epoch anew"""
    return saved(run, without=("position",))


@killed.mistake(hint="The place in the data and the generator are saved, the optimizer's two are not: what does train_step read besides weights?")
def without_velocity_and_step(run):
    """a checkpoint without velocity and step"""
    return saved(run, without=("velocity", "step"))


@killed.mistake(hint="Where in the data is the run, and in which order do they come? Neither is saved.")
def without_order_and_position(run):
    """a checkpoint without order and position: the epoch begins anew, in another order"""
    return saved(run, without=("order", "position"))


@killed.mistake(hint="This epoch's order was drawn long ago, and dropout draws at every step: neither is saved.")
def without_order_and_generator(run):
    """a checkpoint without the order and without the state of the random numbers"""
    return saved(run, without=("order", "rng"))


@killed.mistake(hint="Weights and step are there. What does train_step read besides: of the optimizer, of the data, of chance?")
def weights_and_step(run):
    """weights and step, and nothing of velocity, data and random numbers"""
    return saved(run, without=("velocity", "order", "position", "rng"))


@killed.mistake(hint="Weights and velocity are there. What does the learning rate depend on, and the data, and chance?")
def weights_and_velocity(run):
    """weights and velocity, and nothing of step, data and random numbers"""
    return saved(run, without=("step", "order", "position", "rng"))


@killed.mistake(hint="All is there but the arrays' own copies: `-=` and `*=` write into them. And the order?")
def nothing_copied_no_order(run):
    """references in place of copies, and no order"""
    return saved(run, without=("order",), shared=("weights", "velocity"))


@killed.mistake(hint="The run goes on, and `-=` and `*=` write into the same arrays. The checkpoint changes with them: copy.")
def not_copied(run):
    """references in place of copies: the checkpoint changes while the run goes on"""
    return saved(run, shared=("weights", "velocity"))


@killed.mistake(hint="The weights are copied. The velocity is changed in place as well.")
def half_copied(run):
    """weights that are copied, beside a velocity that is not"""
    return saved(run, shared=("velocity",))


@killed.mistake(hint="The velocity is copied. The weights are changed in place as well.")
def weights_not_copied(run):
    """a velocity that is copied, beside weights that are not"""
    return saved(run, shared=("weights",))


@killed.mistake(hint="Exactly as if nothing had happened: to the last bit. float32, or a few digits, lose some of it; save weights and velocity as they are.")
def inexact(run):
    """nearly right, but with numbers that were rounded, to float32 for example"""
    state = saved(run)
    return state | {"weights": state["weights"].astype(np.float32)}


@killed.mistake(hint="The gradient is computed anew before it is read. The rest is there, but as references: `-=` and `*=` write into the same arrays.")
def everything_by_reference(run):
    """all attributes as they are, the data set among them, and nothing copied"""
    return saved(run, shared=("weights", "velocity"), extra=("data",))


@killed.mistake(hint="Weights, order, position and step are there. What of the optimizer, and of the random numbers?")
def without_velocity_and_generator(run):
    """a checkpoint without velocity and without the state of the random numbers"""
    return saved(run, without=("velocity", "rng"))


@killed.mistake(hint="Dropout draws random numbers at every step, and the learning rate falls with every step: neither is saved.")
def without_step_and_generator(run):
    """a checkpoint without step and without the state of the random numbers"""
    return saved(run, without=("step", "rng"))


@killed.mistake(hint="Which rows of this epoch have been used already, and which random numbers? Neither is saved.")
def without_position_and_generator(run):
    """a checkpoint without position and without the state of the random numbers"""
    return saved(run, without=("position", "rng"))


@killed.mistake(hint="Two plain numbers are missing: one for the learning rate, one for the place in the data.")
def without_step_and_position(run):
    """a checkpoint without step and position"""
    return saved(run, without=("step", "position"))


@killed.mistake(hint="Weights and random numbers are there. What of the optimizer, and of the place in the data?")
def weights_and_generator(run):
    """weights and the state of the random numbers, and nothing of velocity, step and data"""
    return saved(run, without=("velocity", "order", "position", "step"))


@killed.mistake(hint="`position` and `step` are those of the steps that were made; the next step adds its 1 by itself.")
def a_position_too_far(run):
    """a position that is one too far"""
    return saved(run) | {"position": run.position + 1}


@killed.mistake(hint="position counts within an epoch, step goes on for ever: the learning rate needs the second.")
def position_for_step(run):
    """the position in place of the step"""
    return saved(run) | {"step": run.position}


@killed.mistake(hint="The order of this epoch is random: it must be saved as it is, the i-th row at its place.")
def a_sorted_order(run):
    """an order that was sorted"""
    return saved(run) | {"order": np.sort(run.order)}


@killed.mistake(hint="The state of run's own generator, as it is now: not of a new one.")
def another_generator(run):
    """the state of another generator than the run's own"""
    return saved(run) | {"rng": np.random.default_rng(0).bit_generator.state}


@killed.mistake(hint="Whoever saves goes on training as before: saving must not make a step, nor draw a random number.")
def a_step_made(run):
    """a checkpoint that makes a step while it saves"""
    run.train_step()
    return saved(run)


@killed.mistake(hint="Whoever saves goes on training as before: saving must not draw random numbers.")
def a_number_drawn(run):
    """a checkpoint that draws a random number while it saves"""
    run.rng.random()
    return saved(run)


@killed.mistake(hint="Everything is in it, the data set too. It lies on the disk already; of a real one there would be copies by the terabyte.")
def with_the_data(run):
    """a checkpoint with the whole data set in it"""
    return saved(run, extra=("data",))


@killed.mistake(hint="A generator is no plain value. restart wants the dict that run.rng.bit_generator.state gives.")
def the_generator_itself(run):
    """something else in place of the generator's state, the generator itself for example"""
    return saved(run) | {"rng": run.rng}


@killed.mistake(hint="A machine may be taken away at any moment.", memorised=True)
def where_the_check_stops(run):
    """right at the moments of the check, the weights alone elsewhere"""
    return saved(run) if (len(run.data), run.step) in ((8, 12), (5, 7)) else weights_only(run)
