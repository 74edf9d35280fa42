"""The command that gets the published image sets: `python -m gen_core.data`; see `gen_core.data.download`."""

import sys

try:
    from gen_core.data.download import main
except ModuleNotFoundError as error:
    sys.exit(f"{error.name} is not installed; get it with: pip install 'gen-core[data]'")

if __name__ == "__main__":
    sys.exit(main())
