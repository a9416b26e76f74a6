"""Addresses of the lab, under /lab/."""

from django.urls import path

from retrieval import lab_views

app_name = "lab"

urlpatterns = [
    path("", lab_views.compare, name="compare"),
    path("spaces/", lab_views.spaces, name="spaces"),
    path("evaluation/", lab_views.evaluations, name="evaluations"),
    path("evaluation/questions/", lab_views.upload, name="upload"),
    path("evaluation/sets/<int:pk>/delete/", lab_views.delete_set, name="delete-set"),
    path("evaluation/begin/", lab_views.begin, name="begin"),
    path("evaluation/<int:pk>/", lab_views.run, name="run"),
    path("versions/<int:pk>/", lab_views.compare_version, name="compare-version"),
]
