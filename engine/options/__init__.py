"""Every option, said once, for all doors. Standard library only."""
