"""Collection ids that were assigned, and the generations that processes watch."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "collection_ids",
        sa.Column("scope", sa.Text, primary_key=True),
        sa.Column("source", sa.Text, primary_key=True),
        sa.Column("cube_key", sa.Text, primary_key=True),
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("pieces", sa.Text, nullable=False),
        sa.Column("assigned_at", sa.Text, nullable=False),
        sa.UniqueConstraint("scope", "id"),
    )
    op.create_table(
        "generation",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("value", sa.Integer, nullable=False),
    )
