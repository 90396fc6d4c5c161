"""Parts of the door to the toolkit, one for each kind of question. `tui.runs.Runs` is all of them."""
