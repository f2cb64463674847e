"""By hand, in numpy only: what the lessons derive before torch does it for us."""
