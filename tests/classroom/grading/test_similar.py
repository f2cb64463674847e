"""Renamed copies are found, answers that only answer the same question are not."""

from course_lib.classroom.grading.similar import fingerprints, similar_pairs

NAME = "90_toy"
COPY = """def softmax(scores):
    total = 0
    out = np.zeros_like(scores)
    for row in range(len(scores)):
        top = max(scores[row])
        weights = [np.exp(value - top) for value in scores[row]]
        total = sum(weights)
        for column, weight in enumerate(weights):
            out[row, column] = weight / total
    return out"""
RENAMED = COPY.replace("out", "result").replace("weight", "w").replace("row", "i").replace("top", "highest")
OTHER = """def softmax(scores):
    shifted = scores - np.max(scores, axis=-1)[..., None]
    np.exp(shifted, out=shifted)
    return np.divide(shifted, np.add.reduce(shifted, axis=-1)[..., None])"""


def test_names_layout_and_comments_do_not_matter():
    assert fingerprints(COPY) == fingerprints(RENAMED.replace("    total = 0", "    total = 0  # nothing yet\n"))
    assert not fingerprints(COPY) & fingerprints(OTHER)
    assert fingerprints("def f(:") == set() and fingerprints("%magic\ndef f(x):\n    return [x for x in range(9)]")


def test_pairs(classroom, toy):
    for student, answer in [("ann", COPY), ("bob", RENAMED), ("cid", OTHER), ("dan", None)]:
        classroom.put(student, toy(answer))
    classroom.collect()
    classroom.grade_all()
    pairs = similar_pairs(classroom.course, NAME, above=0.3)
    assert [(pair.first, pair.second) for pair in pairs] == [("ann", "bob")] and pairs[0].likeness == 1
    assert similar_pairs(classroom.course, NAME, above=0)[1].likeness < 0.2
