"""What an order is and what may happen to it: models, rules and names. Pure: no I/O, no clock, no Azure."""
