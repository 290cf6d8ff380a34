"""Plain training scripts without any tool in them; `processes.script` puts a tool's lines in."""
