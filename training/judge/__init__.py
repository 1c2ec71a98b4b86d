"""What the evaluation judges with: a classifier, held-out pairs, measures; see training/evaluate.py."""
