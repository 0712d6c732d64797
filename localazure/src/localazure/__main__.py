"""`python -m localazure` is the command `localazure`."""

from localazure.cli import main

if __name__ == "__main__":
    main()
