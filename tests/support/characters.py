"""Characters that act where they are shown, and texts of people's that do not."""

CONTROLS = [
    "\0",
    "\x07",
    "\x08",
    "\x0b",
    "\x0c",
    "\x1b",
    "\x1b[2J",
    "\x7f",
    "\x80",
    "\x85",
    "\x9b31m",
    "\x9f",
]
SURROGATES = ["\ud800", "\udfff"]
DIRECTIONS = [*"\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u206a\u206f"]
SEPARATORS = ["\u2028", "\u2029", "\ufeff", "\ufff9", "\ufffb"]
IN_NO_TEXT = [*CONTROLS, *SURROGATES]
IN_NO_LINE = [*IN_NO_TEXT, *DIRECTIONS, *SEPARATORS]
# Emoji by ZWJ, with a variation, a flag of tags; Persian by ZWNJ, Hebrew; combining marks; a backslash.
IN_ANY = [
    "\N{MAN}\u200d\N{WOMAN}\u200d\N{GIRL}",
    "\N{WAVING WHITE FLAG}\ufe0f\u200d\N{RAINBOW}",
    "\N{WAVING BLACK FLAG}\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f",
    "می\u200cخواهم",
    "שלום עולם",
    "Z\u0301e\u0308",
    "a\u00a0b\u00adc\u200bd",
    "& <b> ' ` \\u202e",
]
OLD = "\x1b[2J\u202eevil\x07\x9b1m\u2028"  # what may stand in rows of before the rule


def ids(text: str) -> str:
    return "-".join(f"{ord(each):04X}" for each in text)
