"""What people correct in what was found: relations, chunks, chains of answers; each with an undo."""
