"""Tests of answers, answerfile, questions, schema, formats and networks."""
