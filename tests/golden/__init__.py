"""Plan cases as folders (manifest.yaml, observed.json, plan.txt); `--update-golden` rewrites what is expected."""
