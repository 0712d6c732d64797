"""What every HTTP function shares: who calls, what they sent, and how answers and errors are told."""
