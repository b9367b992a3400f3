"""A place for rows of another chat that have none here yet.

Revision 0003.
"""

from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Makes the archive."""
    op.execute(
        """
        create table import_archive (
          source_table text not null,
          source_id text not null,
          reason text,
          content jsonb not null,
          imported_at timestamptz not null default now(),
          constraint import_archive_pkey primary key (source_table, source_id)
        )
        """
    )


def downgrade() -> None:
    """Not offered: a backup is the way back."""
    raise NotImplementedError("restore a backup instead")
