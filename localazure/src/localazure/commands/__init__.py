"""The commands of `localazure`: one module each, named after the command."""
