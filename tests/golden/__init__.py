"""Plan cases as folders (manifest.yaml, observed.yaml, plan.txt); `--update-golden` rewrites what is expected."""
