"""How the documentation is built: ``make docs``."""

import importlib.metadata

project = "tinygrad_edu"
author = "tinygrad_edu contributors"
copyright = "2026, tinygrad_edu contributors"
release = importlib.metadata.version("tinygrad_edu")

extensions = ["myst_parser", "sphinx-mathjax-offline", "sphinx_copybutton"]
myst_enable_extensions = ["dollarmath", "deflist"]
exclude_patterns = ["build"]
# Prompts and output are not copied.
copybutton_prompt_text = r">>> |\.\.\. "
copybutton_prompt_is_regexp = True

html_theme = "furo"
html_title = "tinygrad_edu"
html_static_path = ["static"]
html_css_files = ["tables.css"]
