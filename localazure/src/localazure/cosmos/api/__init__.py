"""What each method on each kind of resource does: from a parsed call to a reply."""
