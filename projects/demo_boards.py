"""What the demo boards hold."""

from projects.demo import BoardPlan, Card
from projects.models import Role

APP = BoardPlan(
    name="Mobile app",
    roles={"grace": Role.OWNER, "alan": Role.EDITOR, "katherine": Role.EDITOR, "linus": Role.VIEWER},
    columns={
        "Backlog": (
            Card("Swipe to archive a notification", ("ux",), assigned=False),
            Card("Widget for the home screen", ("feature",), assigned=False),
            Card("Let people choose the font size", ("accessibility",), 30),
            Card("Export a board as PDF", ("feature",), assigned=False),
            Card("Drop support for Android 9", ("maintenance",), 45),
            Card("Try the new share sheet", ("research",), assigned=False),
        ),
        "To do": (
            Card(
                "Keep drafts when the app is closed",
                ("bug", "data loss"),
                2,
                description="Write half a comment, switch to another app, come back later: it is gone.\n\n"
                "Drafts should live on the device until they are sent or discarded.",
                comments=(
                    ("alan", "Happens every time on my phone after about ten minutes."),
                    ("grace", "The system ends us in the background. Let us save on each pause."),
                ),
            ),
            Card("Show who is typing", ("feature",), 9),
            Card("Badge counts are off by one after a mute", ("bug",), 1),
            Card("Translate the settings page to Portuguese", ("translation",), 12),
            Card("Larger touch targets in the date picker", ("accessibility", "ux"), 5),
            Card("Undo after deleting a comment", ("feature", "ux"), 15),
            Card("Remove the unused analytics kit", ("maintenance", "privacy"), -1),
        ),
        "In progress": (
            Card(
                "Work offline for a whole day",
                ("feature", "sync"),
                6,
                description="What can be read online can be read offline. Changes wait, then go in order.",
                comments=(
                    ("grace", "What if the same card was edited by both?"),
                    (
                        "katherine",
                        "The server's version wins, and we show the other text so that nothing is lost.",
                    ),
                    ("ada", "Good. Please add that case to the test plan."),
                ),
            ),
            Card(
                "Cold start under one second",
                ("performance",),
                3,
                comments=(("alan", "1.4 s now, from 2.2 s."),),
            ),
            Card("Dark icons on Android 15", ("ux",), 0),
            Card(
                "Crash when a picture has no size",
                ("bug",),
                -2,
                comments=(("ada", "Three reports since Monday."),),
            ),
        ),
        "Review": (
            Card("Log in with a passkey", ("security", "feature"), 4),
            Card("Retry uploads with a growing delay", ("sync",), 1),
            Card("Screen reader order on the card page", ("accessibility",), 2),
        ),
        "Done": (
            Card("Upgrade to the current SDK", ("maintenance",), -6),
            Card("Fix the wrong week number in January", ("bug",), -9),
            Card("Haptic feedback when a card is dropped", ("ux",), -12),
        ),
    },
)

PLATFORM = BoardPlan(
    name="Platform",
    roles={"alan": Role.OWNER, "linus": Role.EDITOR, "grace": Role.EDITOR, "katherine": Role.VIEWER},
    columns={
        "To do": (
            Card(
                "Rotate the signing keys", ("security",), 7, description="Both keys are accepted for a day."
            ),
            Card("Alert on a growing replication lag", ("monitoring",), 3),
            Card("Split the nightly job in two", ("performance",), 10),
            Card("Answer health checks during a deploy", ("bug",), 4),
            Card("Cache headers for the static files", ("performance",), assigned=False),
            Card("Write down how to restore a single table", ("docs",), 14),
            Card("Look into the slow log-in on Mondays", ("bug", "research"), 2),
        ),
        "In progress": (
            Card(
                "Move the queue to the new cluster",
                ("infrastructure",),
                1,
                comments=(
                    ("linus", "Staging runs on it since yesterday, no surprises so far."),
                    ("alan", "Then Thursday morning for production, with the old one kept for a week."),
                ),
            ),
            Card("Restore drill for the third quarter", ("backup",), 0),
            Card("Trace a request through all services", ("monitoring",), 8),
            Card("Reduce the size of the build image", ("maintenance",), 5),
        ),
        "Blocked": (
            Card(
                "Certificate for the partner's address",
                ("security",),
                -3,
                comments=(("grace", "Waiting for their DNS change; asked again this morning."),),
            ),
            Card("Bigger disks in the second location", ("infrastructure",), 20),
        ),
        "Done": (
            Card(
                "Postgres 16 in production",
                ("infrastructure",),
                -4,
                comments=(("ada", "Not one page. Thank you!"),),
            ),
            Card("Limit requests per address", ("security",), -8),
            Card("Dashboards for the on-call rota", ("monitoring",), -11),
            Card("Delete logs after thirty days", ("privacy",), -15),
        ),
    },
)

WEBSITE = BoardPlan(
    name="Website",
    public=True,
    roles={"katherine": Role.OWNER, "grace": Role.EDITOR, "linus": Role.EDITOR},
    columns={
        "Ideas": (
            Card("A page that tells how we work", ("content",), assigned=False),
            Card("Search across the documentation", ("feature",), assigned=False),
            Card("Stories from three teams", ("content",), 28),
            Card("Status page with a history", ("feature",), assigned=False),
        ),
        "To do": (
            Card("New pictures for the home page", ("design",), 6),
            Card("Shorten the sign-up form to two fields", ("ux",), 4),
            Card("Alternative text for all pictures", ("accessibility",), 8),
            Card("Link the changelog from the footer", ("content",), 1),
            Card("Check the contrast of the price table", ("accessibility", "design"), 3),
        ),
        "In progress": (
            Card(
                "Rewrite the first steps",
                ("docs",),
                2,
                description="A newcomer should see their own board within five minutes.",
                comments=(
                    ("katherine", "Watched two people try it. Both looked for the button at the top."),
                    ("grace", "Moved it there in the latest draft."),
                ),
            ),
            Card("Pictures that load in half the time", ("performance",), 0),
            Card("Prices for small teams", ("content",), -1),
            Card("Feed with all announcements", ("feature",), 5),
        ),
        "Done": (
            Card("Cookie banner is gone, so are the cookies", ("privacy",), -5),
            Card("Print style for the documentation", ("docs",), -10),
            Card("Redirects for the old addresses", ("maintenance",), -13),
        ),
    },
)

RELEASE = BoardPlan(
    name="Release 4.0",
    roles={"grace": Role.EDITOR, "alan": Role.EDITOR, "katherine": Role.EDITOR, "linus": Role.EDITOR},
    columns={
        "Must have": (
            Card("Freeze the strings for translation", ("translation",), 3),
            Card("Upgrade path from 3.8 tested", ("qa",), 5),
            Card(
                "Release notes", ("docs",), 9, comments=(("linus", "First draft is in the shared folder."),)
            ),
            Card("Sign the installers", ("security",), 11),
            Card("Data loss when two imports overlap", ("bug", "data loss"), 1),
        ),
        "Nice to have": (
            Card("Animated tour of the new board", ("ux",), 12, assigned=False),
            Card("Import from spreadsheets", ("feature",), assigned=False),
            Card("Themes", ("design",), assigned=False),
            Card("Reorder columns by dragging", ("ux",), 18),
        ),
        "In progress": (
            Card("Load test with ten thousand people", ("performance", "qa"), 2),
            Card("Accessibility audit, second round", ("accessibility",), 4),
            Card(
                "Undo for every action on the board",
                ("feature",),
                7,
                comments=(
                    ("alan", "Moves and edits work. Deleting a column does not yet."),
                    ("ada", "Then let us ship without that one and say so."),
                ),
            ),
            Card("Beta with five customers", ("qa",), 0),
        ),
        "Verified": (
            Card("Sign-in through the company directory", ("security",), -2),
            Card("Keyboard shortcuts everywhere", ("accessibility",), -3),
            Card("Half the memory on large boards", ("performance",), -7),
            Card("Dates follow the reader's time zone", ("bug",), -8),
        ),
    },
)

BOARDS = (APP, PLATFORM, WEBSITE, RELEASE)
