"""``python -m exarp``: the same door as the ``exarp`` command. Knows nothing else."""

from exarp.door import main

if __name__ == "__main__":
    main()
