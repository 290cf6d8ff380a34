"""autolog's costs beside those of its peers, measured in one run; see README.md here."""
