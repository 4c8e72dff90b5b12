"""What crossplane, which knows the directives of NGINX Plus, says against a configuration: a JSON list.

Run inside a lab. Usage: crossplane_strict.py MAIN_FILE
"""

import json
import re
import sys

import crossplane


def main() -> None:
    payload = crossplane.parse(sys.argv[1], strict=True, check_ctx=True, check_args=True)
    errors = []
    for error in payload["errors"]:
        found = re.search(r'unknown directive "([^"]*)"', str(error["error"]))
        directive = found[1] if found else "?"
        errors.append({"file": error["file"], "error": str(error["error"]), "directive": directive})
    json.dump(errors, sys.stdout)


main()
