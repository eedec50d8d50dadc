"""Print the README's commands for a fresh machine, one a line."""

import re
from pathlib import Path

readme = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")
for block in re.findall(r"```sh\n(.*?)```", readme, re.DOTALL)[:2]:
    print(" ".join(block.replace("\\\n", " ").split()))
