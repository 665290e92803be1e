"""Tests of answers, answerfile, questions, formats and networks."""
