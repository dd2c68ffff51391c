"""From a manifest's text to a spec: read, parse, include, overlay, variables, templates, validation, expansion, decoding.

The only room that knows YAML, JSON Schema and Jinja2. It reads the files a manifest names, runs nothing that it names, and never
reads a secret's value.
"""
