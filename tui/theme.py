"""Two themes: a slate board with chalk, and paper with ink.

Colour has a meaning: `accent` is what is live, `success` accepted, `error` rejected.
"""

from __future__ import annotations

from textual.theme import Theme

SLATE = Theme(
    name="schoolhouse-slate",
    primary="#8fb8a8",
    secondary="#7d9bb5",
    accent="#e8c468",
    success="#86c98b",
    warning="#e0a45e",
    error="#e0837a",
    foreground="#e6e6dc",
    background="#171d1b",
    surface="#1d2522",
    panel="#26302c",
    dark=True,
    variables={
        "button-focus-text-style": "bold",
        "border": "#4d6159",
        "border-blurred": "#36443e",
        "footer-background": "#1d2522",
    },
)

PAPER = Theme(
    name="schoolhouse-paper",
    primary="#3d6b5a",
    secondary="#4a6785",
    accent="#9a6400",
    success="#2f7d3a",
    warning="#a65f00",
    error="#b03a2e",
    foreground="#2b2a26",
    background="#f6f2e8",
    surface="#fbf9f3",
    panel="#ece6d8",
    dark=False,
    variables={
        "button-focus-text-style": "bold",
        "border": "#a9b5a6",
        "border-blurred": "#d3d4c6",
        "footer-background": "#ece6d8",
    },
)

THEMES = (SLATE, PAPER)
