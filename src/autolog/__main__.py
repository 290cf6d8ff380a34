"""`python -m autolog` is the command `autolog`."""

from autolog.cli import main

if __name__ == "__main__":
    main()
