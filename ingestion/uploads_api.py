"""REST doorways: uploads in parts, by the protocol tus 1.0."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast

from django.conf import settings
from django.contrib.auth.models import User
from django.db.models import QuerySet
from django.urls import reverse
from django.utils import timezone
from django.utils.http import http_date
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import mixins, status, viewsets
from rest_framework.exceptions import UnsupportedMediaType, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from ingestion import collections, labels, tus, uploads
from ingestion.intake import Refused
from ingestion.models import Upload
from ingestion.serializers import (
    DocumentSerializer,
    PasswordSerializer,
    UploadBeginSerializer,
    UploadStateSerializer,
)
from ingestion.uploads import UploadFault

BLOCK = 2**16
TUS_METHODS = ("POST", "PATCH", "DELETE")


def _header(name: str, of: Any = str, *, says: str, required: bool = False) -> OpenApiParameter:
    return OpenApiParameter(name, of, OpenApiParameter.HEADER, description=says, required=required)


def _answer(name: str, of: Any, says: str, *statuses: int) -> OpenApiParameter:
    return OpenApiParameter(
        name, of, OpenApiParameter.HEADER, description=says, response=list(statuses)
    )


RESUMABLE = OpenApiParameter(
    "Tus-Resumable", str, OpenApiParameter.HEADER, required=True, enum=[tus.VERSION]
)
OFFSET = "Bytes that are acknowledged. The last one is, once there is a document."
EXPIRES = "Until when it may go on, as an HTTP date."
DOCUMENT = "The id of the document, once there is one."


class UploadViewSet(
    mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet[Upload]
):
    """Your uploads in parts, by the protocol tus 1.0 (core, creation, termination, expiration,
    checksum). Any tus client can send a large file, and go on where a connection broke.

    Each lasts for a day after its last part.
    """

    serializer_class = UploadStateSerializer
    queryset = Upload.objects.none()
    lookup_field = "uuid"
    lookup_url_kwarg = "id"

    def get_permissions(self) -> Any:
        return [] if self.request.method == "OPTIONS" else super().get_permissions()

    def get_queryset(self) -> QuerySet[Upload]:
        if self.action == "list":
            return uploads.unfinished(self.request.user)
        user: Any = self.request.user
        return Upload.objects.filter(owner=user).select_related("document", "collection")

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        # As other servers do, looking at an upload is left to clients of any kind.
        asked = request.headers.get("Tus-Resumable", "")
        if request.method in TUS_METHODS and self.action != "finish" and asked != tus.VERSION:
            raise UploadFault("tus_version", f"Send “Tus-Resumable: {tus.VERSION}”.")

    def finalize_response(
        self, request: Request, response: Response, *args: Any, **kwargs: Any
    ) -> Response:
        response = super().finalize_response(request, response, *args, **kwargs)
        response["Tus-Resumable"] = response["Tus-Version"] = tus.VERSION
        if request.method != "POST" or response.status_code >= 400:
            # Where an upload stands changes; only what a POST has done may be told again.
            response["Cache-Control"] = "no-store"
        return response

    def get_object(self) -> Upload:
        found = super().get_object()
        if found.document_id is None and found.expires_at < timezone.now():
            raise UploadFault("expired", "The time for this upload is over: begin it anew.")
        return found

    @extend_schema(
        request=None,
        parameters=[
            RESUMABLE,
            _header("Upload-Length", OpenApiTypes.INT64, says="Bytes of the file.", required=True),
            _header(
                "Upload-Metadata",
                says="Names, each with a text in base64, between commas: `filename`, "
                "`collection` (an id), `tags`, `metadata` (JSON).",
            ),
            _answer("Location", OpenApiTypes.URI_REF, "Where to send the parts.", 201),
            _answer("Upload-Expires", str, EXPIRES, 201),
        ],
        responses={201: UploadStateSerializer},
    )
    def create(self, request: Request) -> Response:
        """Begin an upload."""
        told = request.headers.get("Upload-Metadata", "")
        form = UploadBeginSerializer(
            data=_begin_fields(request, told), context=self.get_serializer_context()
        )
        form.is_valid(raise_exception=True)
        asked, user = form.validated_data, cast(User, request.user)
        upload = uploads.begin(
            user,
            size=asked["length"],
            filename=asked["filename"],
            collection=asked.get("collection") or collections.default_for(user),
            tags=labels.parsed_tags(asked["tags"]),
            metadata=asked["metadata"],
            told=told,
        )
        where = reverse("upload-detail", args=[upload.uuid])
        headers = {"Location": where, "Upload-Expires": http_date(upload.expires_at.timestamp())}
        return Response(self.get_serializer(upload).data, status.HTTP_201_CREATED, headers=headers)

    @extend_schema(
        parameters=[
            _answer("Upload-Offset", OpenApiTypes.INT64, OFFSET, 200),
            _answer("Upload-Length", OpenApiTypes.INT64, "Bytes of the file.", 200),
            _answer("Upload-Metadata", str, "As it was sent.", 200),
            _answer("Upload-Expires", str, EXPIRES, 200),
            _answer("X-Pagewise-Document", OpenApiTypes.UUID, DOCUMENT, 200),
        ]
    )
    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Tell how far an upload is; with HEAD, in the headers alone."""
        upload = self.get_object()
        headers = _state_headers(upload) | {"Upload-Length": str(upload.size_bytes)}
        if upload.told:
            headers["Upload-Metadata"] = upload.told
        return Response(self.get_serializer(upload).data, headers=headers)

    @extend_schema(
        request={tus.PART_TYPE: OpenApiTypes.BINARY},
        parameters=[
            RESUMABLE,
            _header("Upload-Offset", OpenApiTypes.INT64, says="Where it belongs.", required=True),
            _header("Upload-Checksum", says="sha1, sha256 or md5, and the digest in base64."),
            _answer("Upload-Offset", OpenApiTypes.INT64, OFFSET, 204),
            _answer("Upload-Expires", str, EXPIRES, 204),
            _answer("X-Pagewise-Document", OpenApiTypes.UUID, DOCUMENT, 204),
        ],
        responses={
            204: None,
            409: OpenApiResponse(description="It does not belong at this offset."),
            410: OpenApiResponse(description="The time for this upload is over."),
            412: OpenApiResponse(description="Another version of the protocol."),
            413: OpenApiResponse(description="More bytes than were announced."),
            422: OpenApiResponse(description="The whole file is there, and is not taken."),
            423: OpenApiResponse(description="Another request is at work on this upload."),
            460: OpenApiResponse(description="The checksum is another."),
        },
    )
    def partial_update(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Send a part. The answer to the last one names the document, or says why there is none.

        A file behind a password is kept: send the password to `finish/`.
        """
        if (request.content_type or "").partition(";")[0] != tus.PART_TYPE:
            raise UnsupportedMediaType(request.content_type or "")
        try:
            offset = tus.offset(request.headers.get("Upload-Offset", ""))
            checksum = tus.checksum(request.headers.get("Upload-Checksum", ""))
        except tus.Malformed as exc:
            raise ValidationError({"headers": [str(exc)]}) from exc
        upload = self.get_object()
        try:
            uploads.append(upload, _blocks(request), offset=offset, checksum=checksum)
        except Refused as exc:
            raise _unlike_an_offset(exc) from exc
        return Response(status=status.HTTP_204_NO_CONTENT, headers=_state_headers(upload))

    @extend_schema(request=PasswordSerializer, responses={201: DocumentSerializer})
    def finish(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Make the document of a file that is there as a whole, with its password."""
        form = PasswordSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        document = uploads.finish(self.get_object(), **form.validated_data)
        made = DocumentSerializer(document, context=self.get_serializer_context())
        return Response(made.data, status.HTTP_201_CREATED)

    @extend_schema(
        parameters=[RESUMABLE, _answer("X-Pagewise-Document", OpenApiTypes.UUID, DOCUMENT, 204)],
        responses={
            204: None,
            423: OpenApiResponse(description="Another request is at work on this upload."),
        },
    )
    def destroy(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Forget an upload with what came of it; a document that it became stays, and is named."""
        upload = self.get_object()
        uploads.discard(upload)
        return Response(status=status.HTTP_204_NO_CONTENT, headers=_document_header(upload))

    @extend_schema(exclude=True)
    def options(self, request: Any, *args: Any, **kwargs: Any) -> Response:
        """Tell what of the protocol is spoken."""
        headers = {
            "Allow": ", ".join(self.allowed_methods),
            "Tus-Extension": tus.EXTENSIONS,
            "Tus-Max-Size": str(settings.UPLOAD_MAX_MB * 2**20),
            "Tus-Checksum-Algorithm": ",".join(tus.ALGORITHMS),
        }
        return Response(status=status.HTTP_204_NO_CONTENT, headers=headers)


def _begin_fields(request: Request, told: str) -> dict[str, str]:
    try:
        named = tus.metadata(told)
    except tus.Malformed as exc:
        raise ValidationError({"headers": [str(exc)]}) from exc
    wanted = ("collection", "tags", "metadata")
    fields = {name: named[name] for name in wanted if named.get(name)}
    # Clients differ in what they call the name.
    filename = named.get("filename") or named.get("name") or "document"
    length = request.headers.get("Upload-Length", "")
    return {**fields, "filename": filename, "length": length}


def _blocks(request: Request) -> Iterator[bytes]:
    # Not request.data: that looks for a parser, and takes the body without a length for none.
    while block := request._request.read(BLOCK):
        yield block


def _state_headers(upload: Upload) -> dict[str, str]:
    headers = {
        "Upload-Offset": str(upload.offset),
        "Upload-Expires": http_date(upload.expires_at.timestamp()),
    }
    return headers | _document_header(upload)


def _document_header(upload: Upload) -> dict[str, str]:
    return {"X-Pagewise-Document": str(upload.document.uuid)} if upload.document else {}


def _unlike_an_offset(exc: Refused) -> Refused:
    """409 is the protocol's word for a wrong offset: clients would try again."""
    if exc.code == "duplicate":
        exc.status = 422
    return exc
