"""A course of one short lesson and one exercise, in a folder of its own."""

import textwrap

import pytest

LESSON = '''
    # ---
    # jupyter:
    #   kernelspec:
    #     display_name: Python 3 (ipykernel)
    #     language: python
    #     name: python3
    # ---

    # %% [markdown] tags=["badges"]
    # # A short lesson

    # %% tags=["setup"]
    import os
    import time

    import matplotlib.pyplot as plt

    # %%
    print("threads", os.environ["OMP_NUM_THREADS"], "headless", os.environ["COURSE_HEADLESS"])
    print("work is there already:", os.path.exists(os.environ["COURSE_WORK"]))
    len({"one", "two"})

    # %%
    plt.plot([0, 1, 4, 9])
    plt.show()

    # %% tags=["nbval-ignore-output"]
    print("now", time.time())

    # %%
    1 + 1

    # %%
    1 + 1
'''

SOLUTION = '''
    # %% [markdown]
    # **1** Double a number.

    # %%
    def double(x):
        """Twice x."""
        ### BEGIN SOLUTION
        twice = 2 * x
        return twice
        ### END SOLUTION

    # %%
    assert double(4) == 8

    # %%
    print("the end")
'''


@pytest.fixture
def course(tmp_path):
    """The root of a small course: pyproject.toml, one lesson's source and one solution's source."""
    (tmp_path / "pyproject.toml").write_text(
        '[project]\nname = "x"\n[project.urls]\nRepository = "https://github.com/OWNER/REPO"\n'
    )
    (tmp_path / "notebooks").mkdir()
    (tmp_path / "notebooks" / "01_short.py").write_text(textwrap.dedent(LESSON).lstrip())
    (tmp_path / "solutions" / "01_short").mkdir(parents=True)
    (tmp_path / "solutions" / "01_short" / "01_short.nb.py").write_text(textwrap.dedent(SOLUTION).lstrip())
    return tmp_path
