"""An append whose request and answer are small: joined text in, one row out.

Revision 0004.
"""

from pathlib import Path

from alembic import op

revision = "0004"
down_revision = "0003"

SQL = Path(__file__).parent.parent / "sql"


def upgrade() -> None:
    """Adds the function; the one that takes arrays stays for servers of before."""
    op.execute((SQL / "append_3.sql").read_text(encoding="utf-8"))


def downgrade() -> None:
    """Not offered: a backup is the way back."""
    raise NotImplementedError("restore a backup instead")
