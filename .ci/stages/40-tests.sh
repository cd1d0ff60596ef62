# The README's test command, word for word.
command=$(sed -n '/^```sh test$/,/^```$/p' README.md | sed '1d;$d')
[ -n "$command" ] || { echo "README.md has no test command"; exit 1; }
echo "+ $command"
bash -euo pipefail -c "$command"
