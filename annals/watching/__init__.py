"""Following a folder: what is in it, what that means for what is stored, and when to look again."""
