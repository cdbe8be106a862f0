"""Serializers of comments on imports."""

from typing import Any

from rest_framework import serializers

from api.strict_serializers import StrictSerializer, Text
from curation.models import LONGEST_COMMENT, Comment
from datasets.text import clean
from imports.masking import readable


class CommentText(Text):
    """The text of a comment."""

    def to_internal_value(self, data: Any) -> str:
        return clean(super().to_internal_value(data).replace("\r\n", "\n"))


class CommentRequestSerializer(StrictSerializer):
    """A new comment."""

    text = CommentText(max_length=LONGEST_COMMENT, help_text="The comment. It changes no data.")


class CommentSerializer(serializers.ModelSerializer):
    """A comment on an import."""

    user: serializers.StringRelatedField[Any] = serializers.StringRelatedField(allow_null=True)
    text = serializers.SerializerMethodField()

    class Meta:
        model = Comment
        fields = read_only_fields = ("id", "user", "at", "text")

    def get_text(self, comment: Comment) -> str:
        return readable(comment.text, self.context["request"].user)
