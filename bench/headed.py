"""Documents with headings and tables that are longer than a chunk, made from a seed, and questions whose answer is in
one place of each: rows of tables that name the same ships, chapters of handbooks that say the same of each model.
"""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal

SHIPS = (
    "Sea Thistle", "Grey Heron", "Morning Star", "Petrel", "Ida Lund", "Halcyon", "Northern Lass", "Cormorant",
    "Good Hope", "Silver Ling", "Kestrel", "Brita", "Anna Maria", "Fulmar", "Ocean Gift", "Sula", "Dunlin",
    "Merlin", "Pioneer", "Solan", "Wanderer", "Isbjorn", "Tern", "Skua", "Vigilant", "Eider", "Bountiful",
    "Lapwing", "Guillemot", "Provider", "Heather Bell", "Osprey", "Speedwell", "Gannet", "Harvest", "Plover",
    "Water Lily", "Puffin", "Rosebud", "Sanderling",
)  # fmt: skip
FIRST = ("Ada", "Ines", "Tobias", "Ulla", "Greta", "Ivar", "Jonas", "Mina", "Otto", "Sara")
LAST = ("Renn", "Marlowe", "Brandt", "Olsen", "Haig", "Fell", "Quist", "Sorley", "Dahl", "Pike")
FISH = ("cod", "herring", "ling", "haddock", "saithe", "mackerel")
PARTS = ("boiler", "mast", "keel", "rudder", "deck", "winch")
PORTS = ("Tarrow", "Port Almond", "Skerry")
MODELS = {
    "Pump": ("P-100", "P-200", "P-300", "P-400"),
    "Compressor": ("Borea", "Zephyr", "Mistral", "Foehn"),
    "Winch": ("Atlas", "Hector", "Ajax"),
}
INSTALLATION = """Put the unit on a level floor of concrete that bears at least twice its weight, and leave half a metre
of room on every side so that the covers can be taken off later. Unpack the four bolts from the bag that is fixed to the
frame. Tighten the bolts crosswise to {torque} Nm, wait for an hour, and tighten them once more. Lay the cable in a pipe
of steel where people walk. The mains must give {volts} V; a fuse of the slow kind protects the line. Before the first
start turn the shaft by hand: it must move freely and make no noise. Fill in {litres} litres of oil through the upper
opening and close it with the new gasket that is in the bag. Open the valve on the suction side fully, then start the
motor and watch the gauge until the pressure is steady at {bars} bar. If it falls within the first minute, stop the
motor and let the air out at the small screw on top."""
MAINTENANCE = """Look at the unit every week: no drops under the seal, no strange noise, no smell of heat. Clean the
ribs of the motor with a dry brush once a month, never with water. The oil is changed every {hours} hours of running,
while it is warm, and used oil is taken to the collecting point. Check the bolts on this occasion. The belt is worn
when its marks cannot be seen any more; then change both belts together. After {starts} starts the relay in the box is
to be changed by an electrician. Grease the bearings sparingly, since too much grease makes them hot. Write down each
of these works with the date in the booklet that hangs on the frame, so that whoever comes next knows what was done.
In winter let the water out where the room is not heated."""
FAULTS = """If the lamp shows {code}, the motor has become too hot: switch off, let it cool for {minutes} minutes, and
look for what blocks the ribs. If nothing moves though the motor hums, a foreign body is in the wheel: switch off, lock
the switch, and open the lower cover. A rattling noise tells of air in the line; tighten the joints on the suction side
one after another. If the pressure swings, the valve sticks: take it out, clean it with spirit, and put it back with a
new ring. If the fuse goes at each start, have the winding measured by an electrician. Do not go on running a unit that
leaks, since water in the bearings ruins them within days. What is not named here is a case for the maker's service,
which wants to know the number on the plate."""
CHAPTERS = {"Installation": INSTALLATION, "Maintenance": MAINTENANCE, "Faults": FAULTS}
QUESTIONS = {
    "How tight are the bolts of the {unit}?": "crosswise to {torque} Nm",
    "Which mains voltage does the {unit} need?": "must give {volts} V",
    "After how many hours is the oil of the {unit} changed?": "every {hours} hours of",
    "How long must the {unit} cool when it got too hot?": "cool for {minutes} minutes",
    "When is the relay of the {unit} to be changed?": "After {starts} starts",
    "What pressure should the {unit} reach at the start?": "steady at {bars} bar",
}


@dataclass(frozen=True, slots=True)
class HeadedQuestion:
    """A question, and where its answer stands: `text[at:at + length]` of the document."""

    kind: Literal["tables", "sections"]
    question: str
    at: int
    length: int


@dataclass(frozen=True, slots=True)
class Headed:
    """A document, and what is asked of it."""

    title: str
    text: str
    questions: list[HeadedQuestion] = field(default_factory=list)


def documents(seed: int = 5) -> list[Headed]:
    """Three with tables, three with chapters; 102 questions."""
    chance = random.Random(seed)
    return [*(_harbour(port, chance) for port in PORTS), *(_handbook(kind, chance) for kind in MODELS)]


def _harbour(port: str, chance: random.Random) -> Headed:
    ships = chance.sample(SHIPS, 34)

    def person() -> str:
        return f"{chance.choice(FIRST)} {chance.choice(LAST)}"

    def rows(of: Sequence[str]) -> Iterator[str]:
        for ship in chance.sample(ships, len(ships)):
            cells: dict[str, object] = {
                "Built": chance.randrange(1880, 1960),
                "Tonnage": chance.randrange(80, 900),
                "Berth": f"{chance.choice('NESW')}{chance.randrange(1, 20)}",
                "Owner": person(),
                "Hands": chance.randrange(4, 30),
                "Master": person(),
                "Cook": person(),
                "Species": chance.choice(FISH),
                "Crates": chance.randrange(5, 400),
                "Value": chance.randrange(100, 9000),
                "Month": f"19{chance.randrange(20, 60)}-0{chance.randrange(1, 10)}",
                "Part": chance.choice(PARTS),
                "Cost": chance.randrange(10, 900),
            }
            yield _line([ship, *(str(cells[name]) for name in of)])

    found = Headed(f"Harbour of {port}", "")
    text = f"# Harbour of {port}\n\nThe harbour office of {port} keeps these lists.\n"
    for heading, opening, columns, question in (
        ("Register", "Every ship with a berth here.", ("Built", "Tonnage", "Berth", "Owner"), "Who owns the {}"),
        ("Crews", "Who sailed this year.", ("Hands", "Master", "Cook"), "Who is the master of the {}"),
        ("Landings", "Fish of March.", ("Species", "Crates", "Value"), "How many crates of fish has the {} landed"),
        ("Repairs", "Work in the dry dock.", ("Month", "Part", "Cost"), "What did the repair of the {} cost"),
    ):
        lines = list(rows(columns))
        text += f"\n## {heading}\n\n{opening}\n\n{_line(['Ship', *columns])}\n|{'---|' * (len(columns) + 1)}\n"
        for number, line in enumerate(lines):
            # Not of the first chunk, which has the header anyway.
            if number in (14, 22, 30):
                ship = line.split(" | ")[0].strip("| ")
                found.questions.append(
                    HeadedQuestion("tables", f"{question.format(ship)} of {port}?", len(text), len(line))
                )
            text += f"{line}\n"
    return Headed(found.title, text, found.questions)


def _handbook(kind: str, chance: random.Random) -> Headed:
    found = Headed(f"{kind} handbook", "")
    text = f"# {kind} handbook\n\nFor those who fit and keep them.\n"
    for model in MODELS[kind]:
        values = {
            "torque": chance.randrange(8, 60), "volts": chance.choice((230, 400, 48, 24)),
            "bars": chance.randrange(2, 16), "litres": chance.randrange(2, 40) / 10,
            "hours": chance.randrange(100, 4000, 50),
            "code": chance.randrange(11, 99), "starts": chance.randrange(200, 2000, 25),
            "minutes": chance.randrange(2, 30), "unit": f"{kind} {model}",
        }  # fmt: skip
        begin = len(text)
        text += f"\n## {kind} {model}\n"
        for heading, chapter in CHAPTERS.items():
            text += f"\n### {heading}\n\n{' '.join(chapter.split()).format(**values)}\n"
        for question, answer in QUESTIONS.items():
            said = answer.format(**values)
            found.questions.append(
                HeadedQuestion("sections", question.format(**values), text.index(said, begin), len(said))
            )
    return Headed(found.title, text, found.questions)


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
