"""Respondents served by a plain ModelViewSet: select_related, a serializer, page numbers."""

from rest_framework import routers, serializers, viewsets

from census.models import Respondent

REFERENCES = [field.name for field in Respondent._meta.concrete_fields if field.is_relation]


class RespondentSerializer(serializers.ModelSerializer):
    class Meta:
        model = Respondent
        exclude = ["identity", "corrections"]

    def build_relational_field(self, field_name, relation_info):
        return serializers.StringRelatedField, {}


class RespondentViewSet(viewsets.ModelViewSet):
    queryset = Respondent.objects.select_related(*REFERENCES).order_by("pk")
    serializer_class = RespondentSerializer


router = routers.SimpleRouter()
router.register("respondents", RespondentViewSet)
urlpatterns = router.urls
