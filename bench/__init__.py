"""Speed, measured: `make bench`. It reports and never fails a build; tests measure no time."""
