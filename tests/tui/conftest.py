from __future__ import annotations

from textual.widgets import Input, TextArea

# a cursor that blinks is in a picture or not, as the machine is busy
for widget in (Input, TextArea):
    vars(widget)["cursor_blink"]._default = False
