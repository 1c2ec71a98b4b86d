"""How each family of models is run. family.py says what a family is; every other file is one."""
