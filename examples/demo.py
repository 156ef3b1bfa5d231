"""What `make demo` does: take the articles in, ask three questions, show what happened.

It only uses the command line that everyone has, in a data folder of its own that is removed at the end.
"""

import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ARTICLES = Path(__file__).parent
QUESTIONS = (
    "Who designed Skerry Point Lighthouse?",
    "In which town was the designer of Skerry Point Lighthouse born?",
    "Who founded the institute where Ines Marlowe studied?",
)
