#!/usr/bin/env bash
# Makes .venvs/peers, the environment in which autolog and its peers are measured side by side.
# Does nothing when it already fits benchmarks/peers-requirements.txt. PYTHON names the interpreter.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
environment=$root/.venvs/peers
requirements=$root/benchmarks/peers-requirements.txt
python=${PYTHON:-python3.11}
stamp=$environment/.fits

wanted=$({ "$python" --version; cat "$requirements"; } | sha256sum | cut -d' ' -f1)
if [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$wanted" ]; then
    exit 0
fi

rm -f "$stamp"
if ! "$environment/bin/python" -c '' 2>/dev/null; then
    "$python" -m venv --clear "$environment"
fi
"$environment/bin/python" -m pip install --quiet --requirement "$requirements"
echo "$wanted" > "$stamp"
