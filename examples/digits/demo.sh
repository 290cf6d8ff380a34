#!/usr/bin/env bash
# Three training scripts, one init line each, and what was captured of them.
#   bash examples/digits/demo.sh [FOLDER]     (PYTHON and AUTOLOG name the programs to use)
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
folder=${1:-demo-output}
python=${PYTHON:-python}
autolog=${AUTOLOG:-autolog}
rm -rf "$folder"
mkdir -p "$folder"
cd "$folder"
export AUTOLOG_HOME="$PWD/home"

say() { printf '\n\033[1m%s\033[0m\n' "$*"; }

say "1. A network on the digits: the checkpoint is overwritten five times, the best one renamed"
"$python" "$here/train_network.py"
say "2. A forest on the same digits"
"$python" "$here/train_forest.py"
say "3. Another script loads the renamed checkpoint, fine-tunes it and saves"
"$python" "$here/finetune.py"

say "What was captured:  autolog models"
"$autolog" models
say "Every version of the checkpoint, though only the last one is still on disk:  autolog show checkpoint"
"$autolog" show checkpoint
say "From the fine-tuned model back to the first task:  autolog show finetuned --lineage"
"$autolog" show finetuned --lineage
printf '\nLook around yourself:  AUTOLOG_HOME=%s %s tasks\n' "$AUTOLOG_HOME" "$autolog"
