"""The judge of stories: true ones pass, wherever they break off; changed ones fail where they were changed."""

import re

import pytest

from course_lib.worlds.storyworld import NotAStory, read_story, stories
from course_lib.worlds.storyworld.judge import SENTENCE_END, Verdict, judge, wrong_per_sentence


@pytest.fixture(scope="module")
def told():
    return list(stories(77, n=40))


def test_every_story_is_right_and_finished(told):
    for story in told:
        assert judge(story.text) == Verdict(len(SENTENCE_END.findall(story.text)), "", False, True)


def test_a_story_that_breaks_off_is_not_wrong(told):
    for story in told[:6]:
        for cut in range(0, len(story.text), 7):
            verdict = judge(story.text[:cut])
            assert not verdict.wrong and not verdict.finished
            assert verdict.right <= len(SENTENCE_END.findall(story.text))


def test_a_changed_recall_contradicts_in_its_own_sentence(told):
    """Another name of the cast where the state allows one only."""
    names, changed = re.compile(r"Ella|Omar|Mia|Ben|Anna|Leo|Lucy|Sam"), 0
    for story in told:
        cast = list(dict.fromkeys(names.findall(story.text.split(" were ")[0])))
        for recall in story.recalls:
            if recall.text not in cast or len(cast) < 2:
                continue
            other = next(name for name in cast if name != recall.text)
            text = story.text[:recall.position] + other + story.text[recall.position + len(recall.text):]
            verdict = judge(text)
            with pytest.raises(NotAStory) as caught:
                read_story(text)
            assert verdict.contradicts and not verdict.finished and other in verdict.wrong
            right = text[:caught.value.position]
            assert verdict.right == len([m for m in SENTENCE_END.finditer(text) if m.end() <= len(right)])
            assert text.index(verdict.wrong) <= caught.value.position
            changed += 1
    assert changed > 50


def test_what_no_story_says_is_wrong_but_contradicts_nothing(told):
    text = told[0].text
    opening = text[:text.index(".") + 1]
    assert judge("Once upon a time. More.") == Verdict(0, "Once upon a time.", False, False)
    assert judge(opening + " All is well. The end.") == Verdict(1, "All is well.", False, False)
    assert judge(text + " More.") == Verdict(len(SENTENCE_END.findall(text)), "More.", False, False)
    assert judge("") == Verdict(0, "", False, False)


def test_a_question_ends_where_its_speaker_does():
    text = 'Ella asked: "Where is it?" "Here," said Omar. "What a day!" said Ella.\nAt 9:05, it rained.'
    pieces = SENTENCE_END.split(text)
    assert len(pieces) == 5 and pieces[1].startswith(' "Here') and pieces[3].startswith("\nAt")


def test_wrong_per_sentence_by_hand():
    verdicts = [Verdict(3, "x.", True, False), Verdict(5, "", False, True), Verdict(0, "y.", False, False)]
    assert wrong_per_sentence(verdicts) == 2 / 10
    assert wrong_per_sentence(iter(verdicts[1:2])) == 0
    with pytest.raises(ValueError, match="no whole sentence in 1 texts"):
        wrong_per_sentence([Verdict(0, "", False, False)])
