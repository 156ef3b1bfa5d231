"""What Annals tells of itself while it runs: its metrics, and how they are served."""
