"""The instructor's side: from a folder of submissions to a gradebook, a table and a page for each student."""
