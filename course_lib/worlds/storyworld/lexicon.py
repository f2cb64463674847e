"""The words of the story world: names, things, food, speech. Derived in lesson 12 (gpt).

Within each list no entry begins with another one (a test checks it), so every choice can be read off the text.
"""

GIRLS = ("Ella", "Mia", "Anna", "Lucy", "Nora", "Ruby", "Zoe", "Ivy", "Maya", "Leila", "Rosa", "Yuki")
BOYS = ("Omar", "Ben", "Leo", "Sam", "Tom", "Max", "Finn", "Noah", "Hugo", "Ravi", "Jack", "Kofi")

LOOKS = ("red", "blue", "green", "yellow", "white", "black", "brown", "purple", "orange", "silver", "old", "tiny",
         "golden", "striped", "pink", "shiny", "spotted", "heavy", "ugly", "round", "soft", "gray", "dusty", "new",
         "plain", "fancy", "strange", "modern", "cheap", "pretty", "simple", "lucky")

# What one does with each thing, after "took out the red kite and ...".
USES = {
    "kite": "let it fly", "ball": "threw it high", "drum": "played a march", "book": "read a page",
    "hat": "put it on", "umbrella": "opened it", "flute": "played a song", "bell": "rang it",
    "lamp": "lit it", "boat": "let it float", "map": "looked at it", "cup": "drank from it",
    "doll": "combed its hair", "rope": "jumped over it", "whistle": "blew it", "blanket": "sat on it",
    "puzzle": "solved it", "mirror": "looked into it", "coin": "threw it high", "clock": "wound it up",
    "pencil": "drew a line", "wheel": "rolled it along", "trumpet": "blew it", "spoon": "cleaned it",
}

WEATHER = ("sunny", "windy", "rainy", "foggy", "cloudy")
TURNED = {  # how a new weather is told
    "sunny": "the sun had come out", "windy": "a wind had come up", "rainy": "it had begun to rain",
    "foggy": "a fog had come in", "cloudy": "clouds had come up",
}
HOURS = tuple(f"\nAt {hour}:" for hour in (9, 10, 11, 12, 1, 2, 3, 4, 5, 6))
MINUTES = tuple(f"{minute:02d}" for minute in range(60))
ASIDES = (" Nearby, ", " Just then, ", " Far off, ", " Close by, ", " Behind them, ")
LINKS = (" Then ", " Soon ", " Next, ", " Later, ", " After that, ", " Now ")
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
TWO_DIGITS = tuple(str(n) for n in range(11, 100))
NUMBERS = ("no", "one", "two", "three", "four", "five", "six")

DAY_WORDS = ("fine", "lovely", "funny", "wild", "long", "busy", "strange", "happy", "great", "quiet", "lucky", "good")
CHORES = ("wash", "paint", "clean", "dust", "check", "decorate", "guard", "measure")
COUNTABLE = ("ants", "flies", "steps", "spots", "stripes", "corners")

TASTES = ("sweet", "ripe", "warm", "fresh", "salty", "big")
FRUITS = {"plums": "plum", "pears": "pear", "apples": "apple", "nuts": "nut", "figs": "fig"}
SNACKS = {**FRUITS, "rolls": "roll", "cakes": "cake", "cookies": "cookie"}
NEEDS = {"hungry": "ate", "thirsty": "drank", "cold": "put on", "tired": "sat down beside"}

PROMISES = {"sing a song": "sang a song", "tell a story": "told a story", "bake a cake": "baked a cake",
            "draw a map": "drew a map", "fold a paper star": "folded a paper star",
            "do a handstand": "did a handstand", "make some tea": "made some tea", "build a boat": "built a boat"}
RIDDLES = {"What has teeth but cannot bite?": "a comb", "What has hands but cannot clap?": "a clock",
           "What has a neck but no head?": "a bottle", "What gets wet while it dries?": "a towel",
           "What has keys but opens no door?": "a piano", "What has legs but cannot walk?": "a table"}
SKILLS = ("whistle", "juggle", "tie a knot", "count in French", "walk on stilts", "stand on one leg")
JOBS = ("a sailor", "a doctor", "a baker", "a farmer", "a singer", "a teacher", "a painter", "an inventor")
HURTS = ("knee", "elbow", "thumb", "toe")

PETS = {"dog": "a bone", "cat": "some milk", "rabbit": "a carrot", "duck": "some bread", "goat": "some hay"}
PET_NAMES = ("Biscuit", "Pepper", "Clover", "Marble", "Pickle", "Rusty", "Snowy", "Waffle", "Bramble", "Cocoa",
             "Fudge", "Ginger", "Nugget", "Toffee")
SEEDS = ("a bean", "a sunflower", "a pumpkin", "a cherry tree", "a poppy", "a rose")
GAMES = ("cards", "chess", "marbles", "tag")
