"""What a student learns besides labels: teachers' probabilities, a larger encoder's vectors."""
