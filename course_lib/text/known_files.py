"""Files on the network whose size and sha256 we know. Used by lesson 12 (gpt); later lessons add theirs."""

from course_lib.text.download import Download

_RAW, _SQUAD = "https://raw.githubusercontent.com", "https://rajpurkar.github.io/SQuAD-explorer/dataset"
DOWNLOADS = {item.name: item for item in [
    Download(
        name="tinyshakespeare.txt", size=1_115_394, licence="public domain",
        url=f"{_RAW}/karpathy/char-rnn/master/data/tinyshakespeare/input.txt",
        sha256="86c4e6aa9db7c042ec79f339dcb96d42b0075e16b8fc2e86bf0ca57e2dc565ed",
        substitute="the corpus pydoc, which is as long and as hard"),
    Download(
        name="names.txt", size=228_145, licence="MIT",
        url=f"{_RAW}/karpathy/makemore/master/names.txt",
        sha256="0a30b5557f192f32ab962680889aac5f6fda0f4cecf40a6d0b5694f58ea8cc4d",
        substitute="the corpus place_names"),
    Download(
        name="train-v1.1.json", size=30_288_272, licence="CC BY-SA 4.0", url=f"{_SQUAD}/train-v1.1.json",
        sha256="3527663986b8295af4f7fcdff1ba1ff3f72d07d61a20f487cb238a6ef92fd955",
        substitute="the questions of the corpus storyworld"),
    Download(
        name="dev-v1.1.json", size=4_854_279, licence="CC BY-SA 4.0", url=f"{_SQUAD}/dev-v1.1.json",
        sha256="95aa6a52d5d6a735563366753ca50492a658031da74f301ac5238b03966972c9",
        substitute="the questions of the corpus storyworld"),
]}
