"""REST doorways of the lab: question sets, and searches measured on them. For staff."""

from __future__ import annotations

import json
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import mixins, serializers, status, viewsets
from rest_framework.permissions import IsAdminUser
from rest_framework.request import Request
from rest_framework.response import Response

from ingestion import json_types
from ingestion.models import Document
from retrieval import background, evaluation, questions
from retrieval.models import (
    EvaluationRun,
    EvaluationScope,
    QuestionSet,
    SearchProfile,
    SpaceVersion,
    SpaceVersionState,
)


class GoldQuestionSerializer(serializers.Serializer[Any]):
    """A question, the document that answers it, and where it does.

    Lists of questions hold more, their answers above all, which is not needed here.
    """

    question = json_types.StringField(max_length=4000)
    document = json_types.StringField(max_length=500, help_text="Its id, file name or title.")
    pages = serializers.ListField(
        child=json_types.WholeField(min_value=1), min_length=1, help_text="Physical, from 1."
    )
    boxes = serializers.ListField(
        child=serializers.ListField(child=json_types.NumberField(), min_length=5, max_length=5),
        required=False,
        help_text="[page, x0, y0, x1, y1] in PDF points.",
    )
    kind = json_types.StringField(max_length=60, required=False, help_text="Of the evidence.")


class QuestionSetSerializer(serializers.ModelSerializer[QuestionSet]):
    name = serializers.CharField(read_only=True)
    questions = serializers.IntegerField(source="questions.count", read_only=True)

    class Meta:
        model = QuestionSet
        fields = ["id", "name", "questions"]


class NewQuestionsSerializer(json_types.StrictSerializer):
    """Questions for a set, which is made where there is none of its name."""

    name = json_types.StringField(max_length=60)
    questions = serializers.ListField(child=GoldQuestionSerializer(), min_length=1)


class AddedSerializer(QuestionSetSerializer):
    left_out = serializers.ListField(
        child=serializers.CharField(), help_text="What was not taken, and why, in sentences."
    )

    class Meta(QuestionSetSerializer.Meta):
        fields = [*QuestionSetSerializer.Meta.fields, "left_out"]


class RunSerializer(serializers.ModelSerializer[EvaluationRun]):
    set = serializers.IntegerField(source="question_set_id", read_only=True)
    profiles = serializers.SerializerMethodField(help_text="Empty: as the settings say.")

    class Meta:
        model = EvaluationRun
        fields = [
            *("id", "set", "profiles", "scope", "state", "done", "total", "error"),
            *("created_at", "finished_at"),
        ]
        read_only_fields = fields

    def get_profiles(self, run: EvaluationRun) -> list[str]:
        return [profile["name"] for profile in run.profiles]


class RunDetailSerializer(RunSerializer):
    report = serializers.DictField(
        help_text="When it is done: sides with measures by level and kind, and the comparison."
    )

    class Meta(RunSerializer.Meta):
        fields = [*RunSerializer.Meta.fields, "report"]


class NewRunSerializer(json_types.StrictSerializer):
    """Which set to ask, and under which one or two search profiles."""

    set: serializers.RelatedField = serializers.PrimaryKeyRelatedField(
        queryset=QuestionSet.objects.all()
    )
    profiles: Any = serializers.SlugRelatedField(
        slug_field="name",
        queryset=SearchProfile.objects.all(),
        many=True,
        required=False,
        help_text="Up to two names; none: as the settings say. Two are compared.",
    )
    version: Any = serializers.PrimaryKeyRelatedField(
        queryset=SpaceVersion.objects.with_vectors().filter(state=SpaceVersionState.BUILDING),
        required=False,
        help_text="A version that waits, by its id: it is compared with the live one.",
    )
    scope = serializers.ChoiceField(EvaluationScope.choices, default=EvaluationScope.SET)

    def validate_version(self, version: SpaceVersion) -> SpaceVersion:
        if not version.is_to_be_compared:
            raise json_types.Refused(f"{version} is not full, or does not wait.")
        return version

    def validate(self, wanted: dict[str, Any]) -> dict[str, Any]:
        if wanted.get("version") and wanted.get("profiles"):
            raise json_types.Refused(
                {"profiles": "A version is compared under the live profile: name none."}
            )
        return wanted

    def validate_profiles(self, chosen: list[SearchProfile]) -> list[SearchProfile]:
        if len(chosen) > 2:
            raise json_types.Refused("At most two profiles are compared.")
        return chosen


class QuestionSetViewSet(
    mixins.ListModelMixin,
    mixins.RetrieveModelMixin,
    mixins.DestroyModelMixin,
    viewsets.GenericViewSet[QuestionSet],
):
    """Question sets that searches are measured on."""

    permission_classes = [*viewsets.GenericViewSet.permission_classes, IsAdminUser]
    serializer_class = QuestionSetSerializer
    queryset = QuestionSet.objects.order_by("pk")
    lookup_value_converter = "int"

    @extend_schema(request=NewQuestionsSerializer, responses={201: AddedSerializer})
    def create(self, request: Request) -> Response:
        """Add questions to a set; those about documents that are not there are left out.

        Where all are, that is an error, and no set is made.
        """
        form = NewQuestionsSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        user: Any = request.user
        found, came = questions.import_set(
            form.validated_data["name"],
            map(json.dumps, form.validated_data["questions"]),
            documents=Document.objects.visible_to(user).searchable(),
            created_by=user,
        )
        said = {**QuestionSetSerializer(found).data, "left_out": list(came.left_out)}
        return Response(said, status.HTTP_201_CREATED)


class RunViewSet(
    mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet[EvaluationRun]
):
    """Runs of question sets, the latest first, with what was measured."""

    permission_classes = [*viewsets.GenericViewSet.permission_classes, IsAdminUser]
    queryset = EvaluationRun.objects.defer("rows")
    lookup_value_converter = "int"

    def get_serializer_class(self) -> type[RunSerializer]:
        return RunDetailSerializer if self.action == "retrieve" else RunSerializer

    @extend_schema(request=NewRunSerializer, responses={202: RunSerializer})
    def create(self, request: Request) -> Response:
        """Begin a run; the workers make it."""
        form = NewRunSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        wanted = form.validated_data
        how = {"scope": wanted["scope"], "created_by": request.user}
        if version := wanted.get("version"):
            run = evaluation.begin_comparison(wanted["set"], version, **how)
        else:
            run = evaluation.begin(wanted["set"], wanted.get("profiles") or [None], **how)
        background.request("run_evaluation", run.pk)
        return Response(RunSerializer(run).data, status.HTTP_202_ACCEPTED)
