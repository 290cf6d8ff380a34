"""How records are shown, alike at the command line and in the web pages: as JSON, and as words for people."""
