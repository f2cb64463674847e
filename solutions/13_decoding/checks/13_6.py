"""Exercise 13.6: text is shown as soon as it is certain, and stops before the stop text."""

import codecs

import numpy as np

from course_lib.classroom.checking.exercise import Exercise
from course_lib.worlds.storyworld import tell_story

reader = Exercise(
    "13.6", "shown", title="When to speak", difficulty=4, minutes=20,
    hints=(
        "Keep one string of what waits. After each piece, how much of it is certain, and how much may still become the stop text?",
        "If the stop text is in what waits, show what stands before it, and then nothing ever again. If not, the longest end of it that is "
        "a beginning of the stop text must go on waiting.",
        "The number of characters that wait: the largest n below len(stop) for which the waiting text ends with the first n characters "
        "of stop. Show the others. What still waits after the last piece comes last.",
    ),
)

LINES = ("A: 北京是中国的首都。", "A: Grüße aus Zürich!", "A: 你好，世界", "A: ☃ schneit", "A: 在那遥远的地方", "A: café, naïve")


def cut_up(rng, text, longest):
    """The bytes of a text, in pieces."""
    data, pieces = text.encode(), []
    while data:
        n = int(rng.integers(1, longest + 1))
        pieces, data = [*pieces, data[:n]], data[n:]
    return pieces


def a_story(rng, n):
    """The end of a story of the story world, n characters."""
    return tell_story(int(rng.integers(10**6))).text[-n:]


def lines(rng, n, asked):
    """n lines in several languages, and a question after the first of them, if it is asked."""
    first, *others = [LINES[int(i)] for i in rng.permutation(len(LINES))[:n]]
    return "\n\n".join([first, *(["Q: 谁?"] if asked else []), *others])


@reader.probe()
def pieces_of_a_chat(ns, rng):
    """a stop text that begins twice before it comes"""
    pieces = [b"Mia", b" ran.\n", b"Then", b" Tom\n", b"\n", b"Quick", b"ly\n", b"\nQ", b": Who?\n\nQ: I", b" do."]
    return ns["shown"](pieces, "\n\nQ:")


@reader.probe()
def characters_cut(ns, rng):
    """characters that were cut in two"""
    return ns["shown"](cut_up(rng, "A: 北京, naïve ☃\nA: 你好\nQ: 谁?\nA: 我", 2), "\nQ:")


@reader.probe()
def a_false_end(ns, rng):
    """a text that ends while something waits"""
    return ns["shown"]([b"One, two", b", ", b"thr", b"ough, thre"], ", three")


@reader.probe()
def little_or_nothing(ns, rng):
    """no pieces, an empty piece, and a text that begins with the stop text"""
    return [ns["shown"]([], "stop"), ns["shown"]([b"a", b"", b"b"], "stop"), ns["shown"]([b"#", b"# a", b"b"], "##")]


@reader.probe()
def lines_at_the_end(ns, rng):
    """empty lines that could begin the stop text, to the end"""
    return ns["shown"]([b"a\n", b"b\n\n", b"\n"], "\n\nQ:")


@reader.probe()
def one_sign(ns, rng):
    """a stop text of one character, and one of four bytes before it"""
    return ns["shown"](["so 🙂".encode()[:5], "so 🙂".encode()[5:], b" far", b". And. So", b" on."], ".")


@reader.probe()
def in_one_piece(ns, rng):
    """a stop text within a single piece, with text on both sides"""
    pieces = [b"Go. Now sto", b"p it. STOP", b" here, Stop! And", b" on. Stop!"]
    return [ns["shown"](list(pieces), "Stop"), ns["shown"]([b"A: yes\nQ: no\nA: ?", b"\nQ: no"], "\nQ:")]


@reader.probe()
def at_the_very_end(ns, rng):
    """a stop text at the end of the last piece"""
    return ns["shown"]([b"It was late, and E", b"va slept. END"], "END")


@reader.probe()
def byte_by_byte(ns, rng):
    """characters of four bytes that come one by one"""
    return ns["shown"]([bytes([one]) for one in "🙂é🙃\n🙂".encode()], "\n🙃")


@reader.probe(hidden=True, points=2)
def real_stories(ns, rng):
    """real stories"""
    story, other = a_story(rng, 150), a_story(rng, 90)
    i = int(rng.integers(60, 130))
    stops = story[i:i + int(rng.integers(4, 9))], other[-4:] + "~"
    return [ns["shown"](cut_up(rng, text, 5), stop) for text, stop in zip((story, other), stops, strict=True)]


@reader.probe(hidden=True, points=2)
def any_lines(ns, rng):
    """other characters that were cut, and a stop text that comes twice"""
    none, once = (cut_up(rng, lines(rng, 3, asked), 4) for asked in (False, True))
    twice = [*cut_up(rng, lines(rng, 2, False), 4), b"\n\n", "A: 我\n\nQ: 谁?\n\nQ: 我?".encode()]
    found = [ns["shown"](pieces, "\n\nQ:") for pieces in (none, once, twice)]
    face, word = "🙂🙃🙈🙉"[int(rng.integers(4))], "Who When Where".split()[int(rng.integers(3))]
    faces = ns["shown"]([bytes([one]) for one in f"é{face}\n{face}".encode()], face + "?")
    return [*found, faces, ns["shown"]([f"And {word.lower()}? {word}".encode(), b" and ", word.encode()], word)]


def nearly(seed):
    """Pieces of a text that nearly says the stop text all the time."""
    rng = np.random.default_rng(seed)
    return cut_up(rng, "".join(rng.choice(["\n", "\n\n", "Q", "\n\nQ", ":", "a"], 12)), 3)


@reader.property(seed=(0, 99))
def up_to_the_stop_text(ns, seed):
    """put together, it is the text up to the first stop text"""
    pieces = nearly(seed)
    return "".join(ns["shown"](list(pieces), "\n\nQ:")), b"".join(pieces).decode().partition("\n\nQ:")[0]


@reader.property(seed=(0, 99), n=(0, 8))
def nobody_knows_the_future(ns, seed, n):
    """what is shown first does not depend on what comes later"""
    pieces = nearly(seed)
    n = min(n, len(pieces))
    return ns["shown"](pieces[:n], "\n\nQ:")[:n], ns["shown"](list(pieces), "\n\nQ:")[:n]


def spoken(pieces, stop, *, decode=None, wait="longest", cut="before", find=str.partition, flush=True, release=True, after="silence"):
    """The right answer, with some things wrong. decode: bytes -> text; wait: how much is held back; after: the stop text."""
    decode = decode or codecs.getincrementaldecoder("utf-8")().decode
    said, waiting, stopped = [], "", False
    for piece in pieces:
        old, waiting = waiting, waiting + ("" if stopped and after in ("silence", "kept", "kept alone") else decode(piece))
        before, found, rest = find(waiting, stop)
        if found and stopped and after.startswith("kept"):
            said.append("")
            continue
        if found:
            stopped = True
            said.append({"before": before, "all": ""}.get(cut, before + stop))
            waiting = {"rest": rest, "kept": waiting, "kept alone": waiting[len(before):]}.get(after, "")
            continue
        begun = [n for n in range(1, len(stop)) if waiting.endswith(stop[:n])]
        n = {"shortest": min(begun, default=0), "none": 0, "fixed": len(stop) - 1, "all": 10**6}.get(wait, max(begun, default=0))
        n = wait(waiting, stop, begun, said) if callable(wait) else n
        n = min(n, len(waiting))
        n = len(waiting) if wait == "minus" and not n else n
        sure, waiting = waiting[:len(waiting) - n], waiting[len(waiting) - n:]
        said.append(sure if release or not sure.startswith(old) else sure[len(old):])
    return [*said, waiting if flush else ""]


def until_whole():
    """A decoder that says nothing until all it has heard are whole characters."""
    heard = b""

    def decode(piece):
        nonlocal heard
        heard += piece
        try:
            text, heard = heard.decode(), b""
        except UnicodeDecodeError:
            return ""
        return text

    return decode


def held_whole(pieces, stop, decode):
    """All that waits goes on waiting if its end begins the stop text."""
    decode, said, waiting, stopped = decode or until_whole(), [], "", False
    for piece in pieces:
        waiting += "" if stopped else decode(piece)
        before, found, _ = waiting.partition(stop)
        stopped = stopped or bool(found)
        begun = not found and any(waiting.endswith(stop[:n]) for n in range(1, len(stop)))
        said.append("" if begun else before)
        waiting = waiting if begun else ""
    return [*said, waiting]


def last_one(text, stop):
    before, found, after = text.rpartition(stop)
    return (before, found, after) if found else (text, "", "")


def in_any_case(text, stop):
    at = text.lower().find(stop.lower())
    return (text[:at], stop, text[at + len(stop):]) if at >= 0 else (text, "", "")


def decoded(pieces):
    return b"".join(pieces).decode(errors="ignore")


def with_two_bytes_waiting():
    """A decoder that keeps two bytes of a character at the most."""
    held = b""

    def decode(piece):
        nonlocal held
        held, data = b"", held + piece
        for n in range(3):
            try:
                text, held = data[:len(data) - n].decode(), data[len(data) - n:]
                return text
            except UnicodeDecodeError:
                continue
        return data.decode(errors="replace")

    return decode


@reader.mistake(hint="A piece may end in the middle of a character: its other half comes with the next piece.")
def pieces_decoded_alone(pieces, stop):
    """an error where a character was cut"""
    return spoken(pieces, stop, decode=lambda piece: piece.decode())


@reader.mistake(hint="U+FFFD appears where half a character was decoded by itself. Keep the half until the rest comes.")
def replacement_characters(pieces, stop):
    """� in place of characters that were cut"""
    return spoken(pieces, stop, decode=lambda piece: piece.decode(errors="replace"))


@reader.mistake(hint="Characters that were cut in two are lost. Keep the first half until the second comes.")
def halves_ignored(pieces, stop):
    """a text without the characters that were cut"""
    return spoken(pieces, stop, decode=lambda piece: piece.decode(errors="ignore"))


@reader.mistake(hint="The stop text may begin in one piece and end three pieces later. Look for it in what waits, not in a piece.")
def within_a_piece(pieces, stop):
    """a stop text that is looked for in each piece alone"""
    return spoken(pieces, stop, wait="none")


@reader.mistake(hint="A reader has seen the beginning of the stop text before you knew that it was one. It must wait.")
def found_too_late(pieces, stop):
    """a stop text that is found, but whose beginning was shown already"""
    decoder, all_of_it, said = codecs.getincrementaldecoder("utf-8")(), "", []
    for piece in pieces:
        new, stopped = decoder.decode(piece), stop in all_of_it
        all_of_it += new
        left_of_it = all_of_it.partition(stop)[0]
        said.append("" if stopped else left_of_it[len(all_of_it) - len(new):])
    return [*said, ""]


@reader.mistake(hint="Nobody likes to wait for nothing: hold back only what *is* a beginning of the stop text, not what could hold one.")
def always_behind(pieces, stop):
    """a reader who is always len(stop) − 1 characters behind"""
    return spoken(pieces, stop, wait="fixed")


@reader.mistake(hint="The text is right, but it all comes at once, at the very end. Show what is certain after each piece.")
def all_at_the_end(pieces, stop):
    """a text that comes only when it is complete"""
    return spoken(pieces, stop, wait="all")


@reader.mistake(hint="The stop text itself is not shown.")
def stop_text_shown(pieces, stop):
    """a text with its stop text"""
    return spoken(pieces, stop, cut="after")


@reader.mistake(hint="When nothing more comes, what waits was no stop text after all: show it.")
def the_end_forgotten(pieces, stop):
    """a text whose end goes on waiting for ever"""
    return spoken(pieces, stop, flush=False)


@reader.mistake(hint="After the stop text, every text is \"\": remember that you have seen it.")
def stop_texts_cut_out(pieces, stop):
    """a text that goes on after the stop text"""
    return spoken(pieces, stop, after="rest")


@reader.mistake(hint="After the stop text, every text is \"\". The next piece brings more text, and yours shows it: remember that you have stopped.")
def going_on(pieces, stop):
    """a text that goes on with the piece after the stop text"""
    return spoken(pieces, stop, after="next piece")


@reader.mistake(hint="When the stop text has come, nothing waits any more. Yours shows it at the very end.")
def waiting_behind_the_stop(pieces, stop):
    """a stop text that goes on waiting, and is shown at the end"""
    return spoken(pieces, stop, after="kept")


@reader.mistake(hint="The stop text was found, and what stood before it shown. Then nothing waits any more: empty what waits, or yours shows it at the very end.")
def waiting_from_the_stop_on(pieces, stop):
    """a stop text that goes on waiting with what follows it, and is shown at the end"""
    return spoken(pieces, stop, after="kept alone")


@reader.mistake(hint="If nothing has to wait, n is 0, and waiting[:-0] is the empty text. Count from the front: len(waiting) − n.")
def minus_zero(pieces, stop):
    """a text in which waiting[:-0] should be everything, and is nothing"""
    return spoken(pieces, stop, wait="minus")


@reader.mistake(hint="Each text is what is *new*: what was shown before is not shown again.")
def everything_again(pieces, stop):
    """all the text so far, after each piece"""
    said = spoken(pieces, stop)
    return ["".join(said[:n + 1]) for n in range(len(said))]


@reader.mistake(hint="It looked like a stop text and was none: then what waited must be shown, not thrown away.")
def false_starts_lost(pieces, stop):
    """a text in which false starts are lost"""
    return spoken(pieces, stop, release=False)


@reader.mistake(hint="Only the end of what waits can begin the stop text. What stands before it is certain: show it.")
def everything_held_back(pieces, stop):
    """a whole piece held back where only its end must wait"""
    return held_whole(pieces, stop, codecs.getincrementaldecoder("utf-8")().decode)


@reader.mistake(hint="Only the end of a piece has to wait: half a character, or what begins the stop text. What stands before it is certain: show it.")
def everything_held_back_twice(pieces, stop):
    """a whole piece held back where only its end must wait, be it half a character or a beginning of the stop text"""
    return held_whole(pieces, stop, None)


@reader.mistake(hint="Half a character must wait, but the whole ones before it are certain. The incremental decoder gives you these.")
def held_by_half_a_character(pieces, stop):
    """whole characters held back by half a one after them"""
    return spoken(pieces, stop, decode=until_whole())


@reader.mistake(hint="Several beginnings of the stop text can fit at once: \"\\n\" and \"\\n\\n\", say. Which of them must wait?")
def the_shortest_beginning(pieces, stop):
    """the shortest beginning of the stop text held back, not the longest"""
    return spoken(pieces, stop, wait="shortest")


@reader.mistake(hint="A stop text can come more than once, even in one piece. The first one counts.")
def the_last_stop_text(pieces, stop):
    """a text up to the last stop text"""
    return spoken(pieces, stop, find=last_one)


@reader.mistake(hint="You show what a later piece has proved harmless. When a piece comes, later ones are not there yet.")
def the_future_known(pieces, stop):
    """a reader who knows what comes later"""
    text, data, said = b"".join(pieces).decode().partition(stop)[0], b"", []
    for piece in pieces:
        data, old = data + piece, data
        said.append(text[len(old.decode(errors="ignore")):len(data.decode(errors="ignore"))])
    return [*said, ""]


@reader.mistake(hint="One text more than pieces: the last one is what waited when nothing more came.")
def one_text_too_few(pieces, stop):
    """right, but without the text that comes last"""
    return spoken(pieces, stop)[:-1]


@reader.mistake(hint="A list is wanted: what is new after each piece, and one text more.")
def put_together(pieces, stop):
    """all the text in one, not a list"""
    return "".join(spoken(pieces, stop))


@reader.mistake(hint="One text for each piece: where nothing is new, \"\".")
def empty_ones_left_out(pieces, stop):
    """a list without its empty texts"""
    return [text for text in spoken(pieces, stop) if text]


@reader.mistake(hint="The stop text may come but for its last character: up to len(stop) − 1 characters wait. Yours holds one less at the most.")
def one_less_at_most(pieces, stop):
    """a beginning of len(stop) − 1 characters that is not held back"""
    return spoken(pieces, stop, wait=lambda waiting, stop, begun, said: max((n for n in begun if n < len(stop) - 1), default=0))


@reader.mistake(hint="Not only the first character of the stop text can wait: any beginning of it, up to len(stop) − 1 characters.")
def one_character_at_most(pieces, stop):
    """at most one character held back"""
    return spoken(pieces, stop, wait=lambda waiting, stop, begun, said: int(waiting.endswith(stop[0])))


@reader.mistake(hint="Everything behind the first character that could begin the stop text waits in yours. Only an *end* that is a beginning of the stop text must.")
def from_the_first_likeness(pieces, stop):
    """everything held back from the stop text's first character on"""
    return spoken(pieces, stop, wait=lambda waiting, stop, begun, said: len(waiting) - waiting.find(stop[0]) if stop[0] in waiting else 0)


@reader.mistake(hint="The stop text's first character may stand in it more than once, and may be followed by something else. Which end of what waits is a beginning of stop?")
def from_the_last_likeness(pieces, stop):
    """everything held back from the last place of the stop text's first character on"""
    return spoken(pieces, stop, wait=lambda waiting, stop, begun, said: len(waiting) - waiting.rfind(stop[0]) if stop[0] in waiting else 0)


@reader.mistake(hint="rstrip takes away any of these characters, in any order. What must wait is a beginning of the stop text.")
def any_of_its_characters(pieces, stop):
    """an end held back that consists of characters of the stop text, in any order"""
    return spoken(pieces, stop, wait=lambda waiting, stop, begun, said: len(waiting) - len(waiting.rstrip(stop)))


@reader.mistake(hint="Text and a beginning of the stop text can come in one piece: its end is what counts, not the piece as a whole.")
def whole_pieces_only(pieces, stop):
    """a beginning of the stop text held back only where nothing stands before it"""
    return spoken(pieces, stop, wait=lambda waiting, stop, begun, said: len(waiting) if stop.startswith(waiting) else 0)


@reader.mistake(hint="Exactly the beginning of the stop text waits. Yours takes the character before it, too.")
def one_too_many(pieces, stop):
    """a beginning of the stop text held back with the character before it"""
    return spoken(pieces, stop, wait=lambda waiting, stop, begun, said: max(begun) + 1 if begun else 0)


@reader.mistake(hint="Something may wait for a third piece, too: after a false start, look again for a beginning of the stop text.")
def only_once(pieces, stop):
    """a beginning that is held back for one piece only"""
    return spoken(pieces, stop, wait=lambda waiting, stop, begun, said: 0 if said and not said[-1] else max(begun, default=0))


@reader.mistake(hint="What stands before the stop text in the same piece is text like any other: show it.")
def text_before_it_lost(pieces, stop):
    """a text without what stands before the stop text in its piece"""
    return spoken(pieces, stop, cut="all")


@reader.mistake(hint="There is one text for each piece, also after the stop text: \"\". Yours ends with the stop text.")
def ended_with_the_stop(pieces, stop):
    """a list that ends where the stop text comes"""
    said = spoken(pieces, stop)
    n = next((n for n in range(1, len(pieces) + 1) if stop in decoded(pieces[:n])), len(said))
    return said[:n]


@reader.mistake(hint="There is one text for each piece, and one more at the end, also after the stop text: \"\".")
def ended_with_the_stop_and_one(pieces, stop):
    """a list that ends where the stop text comes, and one text more"""
    said = spoken(pieces, stop)
    n = next((n for n in range(1, len(pieces) + 1) if stop in decoded(pieces[:n])), len(pieces))
    return [*said[:n], said[-1]]


@reader.mistake(hint="One text more than pieces, always: after the stop text it is \"\".")
def no_last_one_after_the_stop(pieces, stop):
    """right, but without the last text where the stop text has come"""
    said = spoken(pieces, stop)
    return said[:-1] if stop in decoded(pieces) else said


@reader.mistake(hint="One text more than pieces, always: \"\" where nothing waits.")
def no_last_one_if_nothing_waits(pieces, stop):
    """right, but without the last text where nothing waits"""
    said = spoken(pieces, stop)
    return said if said[-1] else said[:-1]


@reader.mistake(hint="What waited when nothing more came is a text of its own, behind those of the pieces.")
def joined_to_the_last(pieces, stop):
    """right, but the last text is put together with that of the last piece"""
    said = spoken(pieces, stop)
    return [*said[:-2], "".join(said[-2:])]


@reader.mistake(hint="Where nothing is new, the text is \"\", not None.")
def none_where_nothing_is_new(pieces, stop):
    """None in place of empty texts"""
    return [text or None for text in spoken(pieces, stop)]


@reader.mistake(hint="The bytes are UTF-8. In Latin-1, every byte is a character of its own.")
def as_latin(pieces, stop):
    """bytes decoded as Latin-1"""
    return spoken(pieces, stop, decode=lambda piece: piece.decode("latin-1"))


@reader.mistake(hint="str(b\"Mia\") is the text b'Mia', quotes and all. Bytes are *decoded*.")
def str_of_bytes(pieces, stop):
    """str(piece) in place of decoded bytes"""
    return spoken(pieces, stop, decode=str)


@reader.mistake(hint="Spaces and empty lines are text, too: show all of it.")
def stripped(pieces, stop):
    """texts without the spaces and line ends on both sides"""
    return [text.strip() for text in spoken(pieces, stop)]


@reader.mistake(hint="Large and small letters are different ones: look for the stop text as it is.")
def any_case(pieces, stop):
    """a stop text found in small letters as well"""
    return spoken(pieces, stop, find=in_any_case)


@reader.mistake(hint="A character can have four bytes: up to three must wait for the last one.")
def three_bytes_at_most(pieces, stop):
    """� in place of characters of four bytes"""
    return spoken(pieces, stop, decode=with_two_bytes_waiting())


@reader.mistake(hint="A list of texts is wanted: decode the bytes, and return the list itself.")
def bytes_shown(pieces, stop):
    """something else than a list of texts, bytes for example"""
    return [text.encode() for text in spoken(pieces, stop)]


@reader.forbid("course_lib.generation.stopping.TextReader")
def _(call, pieces, stop):
    feeds = call([stop])
    return [*[feeds.feed(piece) for piece in pieces], feeds.end()]
