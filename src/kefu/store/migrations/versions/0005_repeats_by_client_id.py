"""An append that looks for a repeat by its client id, whatever the planner knows of the tables.

Revision 0005.
"""

from pathlib import Path

from alembic import op

revision = "0005"
down_revision = "0004"

SQL = Path(__file__).parent.parent / "sql"


def upgrade() -> None:
    """Replaces the function; what it takes, returns and does is the same."""
    op.execute((SQL / "append_4.sql").read_text(encoding="utf-8"))


def downgrade() -> None:
    """Not offered: a backup is the way back."""
    raise NotImplementedError("restore a backup instead")
