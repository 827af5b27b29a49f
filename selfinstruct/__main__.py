"""`python -m selfinstruct`: the command line, where the script is not on the path."""

from selfinstruct.cli.main import run_main

if __name__ == "__main__":
    run_main()
