"""Reports: from the records of a run to static HTML, a history of all runs, and files for other programs."""
